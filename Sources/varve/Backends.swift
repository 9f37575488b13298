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
        ErasedBackend(BufferedBackend(LinuxFileIO(watch: $0.watch), $0))
      },
      BackendChoice(DontCacheBackend<LinuxFileIO>.capabilities) {
        ErasedBackend(DontCacheBackend(LinuxFileIO(watch: $0.watch), $0))
      },
      BackendChoice(MappedBackend<LinuxFileIO>.capabilities) {
        ErasedBackend(MappedBackend(LinuxFileIO(watch: $0.watch), $0))
      },
      BackendChoice(DirectBackend<LinuxFileIO>.capabilities) {
        ErasedBackend(DirectBackend(LinuxFileIO(watch: $0.watch), $0))
      },
      BackendChoice(UringDirect.capabilities) { options throws(StorageError) in
        ErasedBackend(
          try UringBackend<LinuxFileIO, UringDirect>(LinuxFileIO(watch: options.watch), options))
      },
      BackendChoice(UringBuffered.capabilities) { options throws(StorageError) in
        ErasedBackend(
          try UringBackend<LinuxFileIO, UringBuffered>(LinuxFileIO(watch: options.watch), options))
      },
    ]
  }

  static var names: [String] { choices.map(\.name) }

  static func makeDrivers() -> BackendDrivers {
    BackendDrivers { name throws(LogError) in
      guard let choice = choices.first(where: { $0.name == name }) else {
        throw .unknownBackend(name, reason: "expected \(names.joined(separator: " or "))")
      }
      do throws(StorageError) { return try choice.make(BackendOptions()) } catch {
        throw .storage(error)
      }
    }
  }
}
