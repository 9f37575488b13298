import LinuxIO
import LogStorage
import SimulatedStorage
import StorageBackends

/// A backend that the conformance suite and the log's tests run over: those that ship, and some that
/// only test the seam.
package struct BackendUnderTest: Hashable, CaseIterable, Sendable, CustomStringConvertible {
  private let kind: @Sendable (_ seed: UInt64) -> any BackendKind
  package let capabilities: StorageCapabilities

  private init(_ kind: @escaping @Sendable (_ seed: UInt64) -> any BackendKind) {
    self.kind = kind
    capabilities = kind(1).capabilities
  }

  package static let shipping = ShippedBackends.all.map { kind in BackendUnderTest { _ in kind } }

  // Those that some test names.
  package static let buffered = named("buffered")
  package static let dontcache = named("dontcache")
  package static let mmap = named("mmap")
  package static let direct = named("direct")
  package static let uring = named("uring")
  package static let uringBuffered = named("uring-buffered")

  /// Synchronous ones behind a queue that completes late and out of order within a segment too,
  /// which the ring's backend does not: all the freedom that the seam gives.
  package static let deferredBuffered = BackendUnderTest { DeferredBufferedKind(seed: $0) }
  package static let deferredDirect = BackendUnderTest { DeferredDirectKind(seed: $0) }
  /// The one to copy: held to the contract, and used for nothing.
  package static let skeleton = BackendUnderTest { _ in SkeletonKind() }

  package static let synchronous = shipping.filter { !$0.capabilities.isAsynchronous }

  /// What the conformance suite runs over.
  package static let conforming = allCases + [.skeleton]

  package static let allCases = runnable + [.deferredBuffered, .deferredDirect]

  /// Those that ship and that this system can run. What is missing, and why, is printed once.
  package static let runnable: [BackendUnderTest] = {
    let directory = TemporaryDirectory()
    return shipping.filter { backend in
      guard let reason = backend.kind(1).reasonAgainst(LinuxFileIO(), in: directory.path) else {
        return true
      }
      print("Skipped: the backend '\(backend)' (\(reason))")
      return false
    }
  }()

  /// The backend of a name.
  package init?(rawValue name: String) {
    let all = Self.shipping + [.deferredBuffered, .deferredDirect, .skeleton]
    guard let found = all.first(where: { $0.rawValue == name }) else { return nil }
    self = found
  }

  private static func named(_ name: String) -> BackendUnderTest {
    guard let found = shipping.first(where: { $0.rawValue == name }) else {
      preconditionFailure("a test names the backend '\(name)', which does not ship any more")
    }
    return found
  }

  package var rawValue: String { capabilities.name }
  package var description: String { rawValue }
  /// The ways of coming by space that the backend can do.
  package var preallocations: [Preallocation] { capabilities.preallocations }

  package static func == (one: BackendUnderTest, other: BackendUnderTest) -> Bool {
    one.rawValue == other.rawValue
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  package func make<IO: RingIO>(
    _ io: IO, seed: UInt64 = 1, options: BackendOptions = BackendOptions(queueDepth: 4)
  ) throws(StorageError) -> any AnyStorageBackend { try kind(seed).make(io, options) }

  package func make(any io: any RingIO, seed: UInt64 = 1) throws(StorageError)
    -> any AnyStorageBackend
  {
    func open<IO: RingIO>(_ io: IO) throws(StorageError) -> any AnyStorageBackend {
      try make(io, seed: seed)
    }
    return try open(io)
  }
}

private struct DeferredBufferedKind: BackendKind {
  let seed: UInt64

  var capabilities: StorageCapabilities {
    DeferredBackend<BufferedBackend<LinuxFileIO>>.capabilities.named("deferred-buffered")
  }

  func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend {
    ErasedBackend(DeferredBackend(BufferedBackend(io, options), depthMax: 4, seed: seed))
  }
}

private struct DeferredDirectKind: BackendKind {
  let seed: UInt64

  var capabilities: StorageCapabilities {
    DeferredBackend<DirectBackend<LinuxFileIO>>.capabilities.named("deferred-direct")
  }

  func make<IO: RingIO>(
    _ io: IO, _ options: BackendOptions
  ) throws(StorageError) -> any AnyStorageBackend {
    ErasedBackend(DeferredBackend(DirectBackend(io, options), depthMax: 4, seed: seed))
  }
}

extension StorageCapabilities {
  fileprivate func named(_ name: String) -> StorageCapabilities {
    StorageCapabilities(
      name: name, blockBytes: blockBytes, isAsynchronous: isAsynchronous, isDirect: isDirect,
      isMapped: isMapped, isUncached: isUncached, preallocations: preallocations)
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
