import Foundation
import Measurements
import StorageBackends
import Targets
import TransferPaths

/// The laboratory as this program assembles it.
enum Laboratory {
  static func context(flightsPath: String) -> LaboratoryContext {
    LaboratoryContext(
      targets: TargetChoice.logs(flightsPath: flightsPath) + [.syscalls, .syscallsTransfer],
      backends: ShippedBackends.all.map { BackendChoice($0) }, payloads: ["synthetic", "flights"],
      transfers: ShippedPaths.all.map { TransferChoice($0) })
  }
}

/// Ctrl-C and SIGTERM end a suite after the trial that runs.
enum Interruption {
  static let flag = StopFlag()

  /// A trial's own process leaves Ctrl-C, which the terminal sends to both, to the one that started
  /// it. `once`: a second signal ends the process at once, for work that may wait for a pipe.
  static func install(ignoringInterrupt: Bool = false, once: Bool = false) {
    for number in [SIGINT, SIGTERM] {
      if number == SIGINT && ignoringInterrupt {
        signal(number, SIG_IGN)
        continue
      }
      // The handlers store one relaxed atomic and call signal(2), which signal handlers may.
      if once {
        signal(number) { number in
          Interruption.flag.raise()
          signal(number, SIG_DFL)
        }
      } else {
        signal(number) { _ in Interruption.flag.raise() }
      }
    }
  }
}
