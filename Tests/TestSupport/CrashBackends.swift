import CrashLaboratory
import LogStorage
import SimulatedStorage
import StorageBackends

extension BackendUnderTest {
  /// For histories. On a simulated disk every backend runs everywhere.
  package var crashBackend: CrashBackend {
    let kind = self
    return CrashBackend(capabilities) { (io, options) throws(StorageError) in
      try kind.make(io, seed: 1, options: options)
    }
  }
}
