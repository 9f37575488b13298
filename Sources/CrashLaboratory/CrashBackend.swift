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

  package var name: String { capabilities.name }
}
