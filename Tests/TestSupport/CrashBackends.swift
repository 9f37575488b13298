import CrashLaboratory
import LogStorage
import SimulatedStorage
import StorageBackends

extension BackendUnderTest {
  /// Those that ship, in the order in which `varve crash` knows them, so that a seed is the same
  /// history here and there. On a simulated disk all of them run everywhere.
  package static let shipping: [BackendUnderTest] = [
    .buffered, .dontcache, .mmap, .direct, .uring, .uringBuffered,
  ]

  private var capabilities: StorageCapabilities {
    switch self {
    case .buffered: BufferedBackend<SimulatedFileIO>.capabilities
    case .dontcache: DontCacheBackend<SimulatedFileIO>.capabilities
    case .mmap: MappedBackend<SimulatedFileIO>.capabilities
    case .direct: DirectBackend<SimulatedFileIO>.capabilities
    case .uring: UringDirect.capabilities
    case .uringBuffered: UringBuffered.capabilities
    case .deferredBuffered: DeferredBackend<BufferedBackend<SimulatedFileIO>>.capabilities
    case .deferredDirect: DeferredBackend<DirectBackend<SimulatedFileIO>>.capabilities
    case .skeleton: SkeletonBackend<SimulatedFileIO>.capabilities
    }
  }

  /// For histories.
  package var crashBackend: CrashBackend {
    let kind = self
    return CrashBackend(capabilities) { (io, options) throws(StorageError) in
      try kind.make(io, seed: 1, options: options)
    }
  }
}
