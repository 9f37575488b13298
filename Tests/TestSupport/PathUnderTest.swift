import LinuxIO
import LogStorage
import TransferPaths

/// Every transfer path that the conformance suite runs over. A new one is a case here, and a line in
/// `type`.
package enum PathUnderTest: String, CaseIterable, Codable, Sendable {
  case copy, sendfile, splice, mapped, zerocopy, skeleton

  package var type: any TransferPath.Type {
    switch self {
    case .copy: CopyPath.self
    case .sendfile: SendfilePath.self
    case .splice: SplicePath.self
    case .mapped: MappedPath.self
    case .zerocopy: ZeroCopySendPath.self
    case .skeleton: SkeletonPath.self
    }
  }

  package var capabilities: TransferCapabilities { type.capabilities }

  package func make(_ resources: TransferResources = TransferResources()) -> any TransferPath {
    type.init(resources)
  }

  /// The kinds of socket that the path works on.
  package var families: [SocketHandle.Family] {
    capabilities.needs == .tcpSocket ? [.tcp] : [.tcp, .unix]
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
