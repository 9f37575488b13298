import CommitLog
import LinuxIO
import LoadGenerator
import LogStorage
import StorageBackends

/// The backends by name. A new one is one more line here.
enum Backends {
  static var choices: [BackendChoice] {
    [
      BackendChoice(BufferedBackend<LinuxFileIO>.capabilities) {
        ErasedBackend(BufferedBackend(LinuxFileIO()))
      },
      BackendChoice(DirectBackend<LinuxFileIO>.capabilities) {
        ErasedBackend(DirectBackend(LinuxFileIO()))
      },
    ]
  }

  static var names: [String] { choices.map(\.name) }

  static func makeDrivers() -> BackendDrivers {
    BackendDrivers { name throws(LogError) in
      guard let choice = choices.first(where: { $0.name == name }) else {
        throw .unknownBackend(name, reason: "expected \(names.joined(separator: " or "))")
      }
      do { return try choice.make() } catch {
        throw LogError.unknownBackend(name, reason: "\(error)")
      }
    }
  }
}
