import CommitLog
import CrashLaboratory
import LinuxIO
import LoadGenerator
import LogStorage
import SimulatedStorage
import StorageBackends

/// The backends that ship. A new one is one more case, and one more line in `capabilities` and
/// `make`.
enum NamedBackend: CaseIterable {
  case buffered, dontcache, mmap, direct, uring, uringBuffered

  var capabilities: StorageCapabilities {
    switch self {
    case .buffered: BufferedBackend<LinuxFileIO>.capabilities
    case .dontcache: DontCacheBackend<LinuxFileIO>.capabilities
    case .mmap: MappedBackend<LinuxFileIO>.capabilities
    case .direct: DirectBackend<LinuxFileIO>.capabilities
    case .uring: UringDirect.capabilities
    case .uringBuffered: UringBuffered.capabilities
    }
  }

  /// The backend over these calls: the kernel's, or a simulated disk's.
  func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend {
    switch self {
    case .buffered: ErasedBackend(BufferedBackend(io, options))
    case .dontcache: ErasedBackend(DontCacheBackend(io, options))
    case .mmap: ErasedBackend(MappedBackend(io, options))
    case .direct: ErasedBackend(DirectBackend(io, options))
    case .uring: ErasedBackend(try UringBackend<IO, UringDirect>(io, options))
    case .uringBuffered: ErasedBackend(try UringBackend<IO, UringBuffered>(io, options))
    }
  }
}

/// The backends by name.
enum Backends {
  static var choices: [BackendChoice] {
    NamedBackend.allCases.map { backend in
      BackendChoice(backend.capabilities) { options throws(StorageError) in
        try backend.make(LinuxFileIO(watch: options.watch, isPrivate: true), options)
      }
    }
  }

  /// For the crash laboratory: all of them, whatever this machine can run.
  static var onSimulatedDisks: [CrashBackend] {
    NamedBackend.allCases.map { backend in
      CrashBackend(backend.capabilities) { (io, options) throws(StorageError) in
        try backend.make(io, options)
      }
    }
  }

  /// The ways of coming by space that a backend can do; nil where there is none of the name.
  static func preallocations(of name: String) -> [Preallocation]? {
    NamedBackend.allCases.map(\.capabilities).first { $0.name == name }?.preallocations
  }

  static var names: [String] { NamedBackend.allCases.map(\.capabilities.name) }

  static func makeDrivers(_ options: BackendOptions = BackendOptions()) -> BackendDrivers {
    BackendDrivers { name throws(LogError) in
      guard let choice = choices.first(where: { $0.name == name }) else {
        throw .unknownBackend(name, reason: "expected \(names.joined(separator: " or "))")
      }
      do throws(StorageError) { return try choice.make(options) } catch {
        throw .storage(error)
      }
    }
  }
}
