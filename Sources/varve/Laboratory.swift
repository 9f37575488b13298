import Foundation
import LoadGenerator

/// The laboratory as this program assembles it.
enum Laboratory {
  static func context(flightsPath: String) -> LaboratoryContext {
    LaboratoryContext(
      targets: TargetChoice.logs(flightsPath: flightsPath) + [.syscalls, .syscallsTransfer],
      backends: Backends.choices, payloads: ["synthetic", "flights"],
      transfers: Transfers.choices)
  }
}

/// Ctrl-C and SIGTERM end a suite after the trial that runs.
enum Interruption {
  static let flag = StopFlag()

  /// A trial's own process leaves Ctrl-C, which the terminal sends to both, to the one that started
  /// it.
  static func install(ignoringInterrupt: Bool = false) {
    for number in [SIGINT, SIGTERM] {
      if number == SIGINT && ignoringInterrupt {
        signal(number, SIG_IGN)
        continue
      }
      // The handler stores one relaxed atomic, which a signal handler may.
      signal(number) { _ in Interruption.flag.raise() }
    }
  }
}
