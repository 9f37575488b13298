import LinuxIO
import LogStorage
import SimulatedStorage
import StorageBackends

/// Every backend that the conformance suite and the log's tests run over. A new backend is one
/// more case here.
package enum BackendUnderTest: String, CaseIterable, Sendable {
  case buffered, direct
  /// The same behind a queue that completes late and out of order, as io_uring does.
  case deferredBuffered, deferredDirect

  package static let synchronous: [BackendUnderTest] = [.buffered, .direct]

  package func make<IO: FileIO>(_ io: IO, seed: UInt64 = 1) -> any AnyStorageBackend {
    switch self {
    case .buffered: ErasedBackend(BufferedBackend(io))
    case .direct: ErasedBackend(DirectBackend(io))
    case .deferredBuffered:
      ErasedBackend(DeferredBackend(BufferedBackend(io), depthMax: 4, seed: seed))
    case .deferredDirect:
      ErasedBackend(DeferredBackend(DirectBackend(io), depthMax: 4, seed: seed))
    }
  }

  package func make(any io: any FileIO, seed: UInt64 = 1) -> any AnyStorageBackend {
    func open<IO: FileIO>(_ io: IO) -> any AnyStorageBackend { make(io, seed: seed) }
    return open(io)
  }
}

/// Where a test runs: on the kernel, in a directory of its own, or on a simulated disk.
package enum DiskUnderTest: String, CaseIterable, Sendable {
  case linux, simulated

  package func make() -> Place {
    switch self {
    case .linux:
      let directory = TemporaryDirectory()
      return Place(
        io: LinuxFileIO(), path: directory.path, disk: nil, directory: directory)
    case .simulated:
      let disk = SimulatedDisk()
      disk.makeDirectory("/data")
      return Place(io: SimulatedFileIO(disk), path: "/data", disk: disk, directory: nil)
    }
  }

  package struct Place: Sendable {
    package let io: any FileIO
    package let path: String
    package let disk: SimulatedDisk?
    let directory: TemporaryDirectory?
  }
}
