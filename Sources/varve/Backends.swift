import CommitLog
import LinuxIO
import LogStorage
import StorageBackends

/// The backends by name.
enum Backends {
  static let names = ShippedBackends.all.map { $0.name }

  static func named(_ name: String) -> (any BackendKind)? {
    ShippedBackends.all.first { $0.name == name }
  }

  static func makeDrivers(_ options: BackendOptions = BackendOptions()) -> BackendDrivers {
    BackendDrivers { name throws(LogError) in
      guard let kind = named(name) else {
        throw .unknownBackend(name, reason: "expected \(names.joined(separator: " or "))")
      }
      do throws(StorageError) {
        return try kind.make(LinuxFileIO(watch: options.watch, isPrivate: true), options)
      } catch { throw .storage(error) }
    }
  }
}
