import ArgumentParser

/// `varve log …`
struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Fill, look into and check logs on disk.",
    discussion: "Example: varve log verify ./data",
    subcommands: [LogImportCommand.self, LogDumpCommand.self, LogVerifyCommand.self])
}
