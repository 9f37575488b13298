import LogStorage
import SimulatedStorage

/// A backend that histories can be run over.
package struct CrashBackend: Sendable {
  package let capabilities: StorageCapabilities
  /// A new backend on a simulated disk.
  package let make:
    @Sendable (SimulatedFileIO, BackendOptions) throws(StorageError) -> any AnyStorageBackend

  package init(
    _ capabilities: StorageCapabilities,
    make:
      @escaping @Sendable (SimulatedFileIO, BackendOptions) throws(StorageError) ->
      any AnyStorageBackend
  ) {
    self.capabilities = capabilities
    self.make = make
  }

  package init(_ kind: any BackendKind) {
    self.init(kind.capabilities) { (io, options) throws(StorageError) in
      try kind.make(io, options)
    }
  }

  package var name: String { capabilities.name }
}
