import LinuxIO
import LogStorage
import SimulatedStorage
import StorageBackends

/// Every backend that the conformance suite and the log's tests run over. A new backend is one
/// more case here, and one more line in `make`.
package enum BackendUnderTest: String, CaseIterable, Sendable {
  case buffered, dontcache, mmap, direct, uring, uringBuffered
  /// Synchronous ones behind a queue that completes late and out of order within a segment too,
  /// which the ring's backend does not: all the freedom that the seam gives.
  case deferredBuffered, deferredDirect
  /// The one to copy: held to the contract, and used for nothing.
  case skeleton

  package static let synchronous: [BackendUnderTest] = [.buffered, .dontcache, .mmap, .direct]

  /// What the conformance suite runs over.
  package static let conforming: [BackendUnderTest] = allCases + [.skeleton]

  /// Those that this system can run. What is missing, and why, is printed once.
  package static let allCases: [BackendUnderTest] = {
    var missing: [BackendUnderTest] = []
    do throws(SystemCallError) { _ = try LinuxFileIO().makeRing(depth: 1) } catch {
      print("Skipped: the backends 'uring' and 'uring-buffered' (\(error.number))")
      missing += [.uring, .uringBuffered]
    }
    if let error = uncachedWriteError() {
      print("Skipped: the backend 'dontcache' (\(error.number))")
      missing.append(.dontcache)
    }
    let all: [BackendUnderTest] = [
      .buffered, .dontcache, .mmap, .direct, .uring, .uringBuffered, .deferredBuffered,
      .deferredDirect,
    ]
    return all.filter { !missing.contains($0) }
  }()

  /// Why RWF_DONTCACHE does not work here, if it does not.
  private static func uncachedWriteError() -> SystemCallError? {
    let directory = TemporaryDirectory()
    do throws(SystemCallError) {
      let io = LinuxFileIO()
      let file = try FileHandle(
        io, "\(directory.path)/probe", FileOpening(.readWrite, creation: .mustBeNew))
      _ = try io.writeUncached(file.number, [1].span.bytes, at: 0)
      return nil
    } catch { return error }
  }

  /// The ways of coming by space that the backend can do.
  package var preallocations: [Preallocation] {
    switch self {
    case .mmap: MappedBackend<LinuxFileIO>.capabilities.preallocations
    case .buffered, .dontcache, .direct, .uring, .uringBuffered: Preallocation.allCases
    case .deferredBuffered, .deferredDirect: [.none]
    case .skeleton: Preallocation.allCases
    }
  }

  package func make<IO: RingIO>(
    _ io: IO, seed: UInt64 = 1, options: BackendOptions = BackendOptions(queueDepth: 4)
  ) throws(StorageError) -> any AnyStorageBackend {
    switch self {
    case .buffered: ErasedBackend(BufferedBackend(io, options))
    case .dontcache: ErasedBackend(DontCacheBackend(io, options))
    case .skeleton: ErasedBackend(SkeletonBackend(io, options))
    case .mmap: ErasedBackend(MappedBackend(io, options))
    case .direct: ErasedBackend(DirectBackend(io, options))
    case .uring: ErasedBackend(try UringBackend<IO, UringDirect>(io, options))
    case .uringBuffered: ErasedBackend(try UringBackend<IO, UringBuffered>(io, options))
    case .deferredBuffered:
      ErasedBackend(DeferredBackend(BufferedBackend(io, options), depthMax: 4, seed: seed))
    case .deferredDirect:
      ErasedBackend(DeferredBackend(DirectBackend(io, options), depthMax: 4, seed: seed))
    }
  }

  package func make(any io: any RingIO, seed: UInt64 = 1) throws(StorageError)
    -> any AnyStorageBackend
  {
    func open<IO: RingIO>(_ io: IO) throws(StorageError) -> any AnyStorageBackend {
      try make(io, seed: seed)
    }
    return try open(io)
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
    package let io: any RingIO
    package let path: String
    package let disk: SimulatedDisk?
    let directory: TemporaryDirectory?
  }
}
