import LinuxIO
import LogStorage
import TransferPaths

/// A transfer path that the conformance suite runs over: those that ship, and the one to copy.
package struct PathUnderTest: Hashable, CaseIterable, Sendable, CustomStringConvertible {
  package let type: any TransferPath.Type

  package static let shipping = ShippedPaths.all.map { PathUnderTest(type: $0) }
  package static let allCases = shipping + [skeleton]

  // Those that some test names.
  package static let copy = PathUnderTest(type: CopyPath.self)
  package static let sendfile = PathUnderTest(type: SendfilePath.self)
  package static let splice = PathUnderTest(type: SplicePath.self)
  package static let mapped = PathUnderTest(type: MappedPath.self)
  package static let zerocopy = PathUnderTest(type: ZeroCopySendPath.self)
  package static let skeleton = PathUnderTest(type: SkeletonPath.self)

  package var rawValue: String { capabilities.name }
  package var description: String { rawValue }

  private init(type: any TransferPath.Type) { self.type = type }

  package static func == (one: PathUnderTest, other: PathUnderTest) -> Bool {
    one.rawValue == other.rawValue
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  package var capabilities: TransferCapabilities { type.capabilities }

  package func make(_ resources: TransferResources = TransferResources()) -> any TransferPath {
    type.init(resources)
  }

  /// The kinds of socket that the path works on.
  package var families: [SocketHandle.Family] {
    capabilities.needs == .tcpSocket ? [.tcp] : [.tcp, .unix]
  }
}

/// By name: a test in a process of its own gets its arguments so.
extension PathUnderTest: Codable {
  package init(from decoder: any Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let found = Self.allCases.first(where: { $0.rawValue == name }) else {
      throw DecodingError.valueNotFound(
        Self.self, .init(codingPath: [], debugDescription: "no path is called '\(name)'"))
    }
    self = found
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// The two ends of a connection in one process, driven by one thread: what is sent waits in the
/// kernel until the test takes it.
package struct Connection {
  package let sender: SocketHandle
  package let receiver: SocketHandle
  package private(set) var received: [UInt8] = []

  /// With `isTiny` the socket's buffer is the kernel's least. The receiver's is not: with loopback's
  /// packets of 64 KiB it would be late by a timer for each.
  package init(
    _ family: SocketHandle.Family, isTiny: Bool = false
  ) throws(SystemCallError) {
    (sender, receiver) =
      try family == .tcp ? SocketHandle.loopbackPair() : SocketHandle.unixPair()
    if family == .tcp { try sender.setNoDelay() }
    if isTiny {
      try sender.setSendBuffer(bytes: 1)
      try receiver.setReceiveBuffer(bytes: 150_000)
    }
  }

  /// Takes up to `count` bytes that have come; how many.
  @discardableResult
  package mutating func take(upTo count: Int = 1 << 20) throws(SystemCallError) -> Int {
    var chunk = [UInt8](repeating: 0, count: count)
    var span = chunk.mutableSpan
    var bytes = span.mutableBytes
    let got = try receiver.receive(into: &bytes) ?? 0
    received += chunk[..<got]
    return got
  }

  /// Takes until `count` bytes have come in all, or the connection ends.
  package mutating func takeAll(_ count: Int) throws(SystemCallError) {
    let poll = try EventPoll()
    try poll.add(receiver, .readable, tag: 0)
    while received.count < count {
      var chunk = [UInt8](repeating: 0, count: 1 << 20)
      var span = chunk.mutableSpan
      var bytes = span.mutableBytes
      guard let got = try receiver.receive(into: &bytes) else {
        var hasCome = false
        try poll.wait(milliseconds: 10_000) { _, _ in hasCome = true }
        // Then the test fails by what is missing, instead of waiting for ever.
        if !hasCome { return }
        continue
      }
      if got == 0 { return }
      received += chunk[..<got]
    }
  }
}

extension TransferPath {
  /// Sends a slice to its end, while the other side takes it.
  package func sendAll(
    _ slice: LogSlice, over connection: inout Connection, bytesMax: Int = 1 << 20,
    more: Bool = false
  ) throws {
    var progress = TransferProgress()
    while progress.sentBytes < slice.count {
      let step = try send(
        slice, to: connection.sender, from: progress, bytesMax: bytesMax, more: more)
      progress = step.progress
      if step.isBlocked { try connection.take() }
    }
  }
}
