import ArgumentParser

/// `varve log …`
struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Fill, look into, check and repair logs on disk.",
    discussion: "Example: varve log verify ./data",
    subcommands: [
      LogImportCommand.self, LogDumpCommand.self, LogVerifyCommand.self,
      LogRepairCommand.self,
    ])
}
