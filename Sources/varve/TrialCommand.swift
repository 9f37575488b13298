import ArgumentParser
import Trials

/// `varve trial`, hidden: one trial of a suite, in a process of its own. `varve bench` starts it.
struct TrialCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trial",
    abstract: "Run the one trial that standard input describes (used by varve bench).",
    shouldDisplay: false)

  @Option(help: "The file of events.")
  var flights: String

  func run() throws {
    Interruption.install(ignoringInterrupt: true)
    do {
      try TrialServer.run(Laboratory.context(flightsPath: flights), stop: Interruption.flag)
    } catch { throw CommandFailure.failed("Error: \(error)") }
  }
}
