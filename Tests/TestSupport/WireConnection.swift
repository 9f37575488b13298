import LinuxIO

/// Why a connection gave no answer.
package struct WireConnectionError: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// A client's end of a connection to a broker, which waits, but not for ever. Frames in, frames out:
/// what is in them is the caller's.
package final class WireConnection {
  private static let secondsMax: Int64 = 120

  private let channel: any ByteChannel
  private let poll: EventPoll

  /// `make`: what the other end is over the socket, too.
  package init(
    port: UInt16, over make: (SocketHandle) -> any ByteChannel = { $0 }
  ) throws(SystemCallError) {
    let socket = try SocketHandle.connect(host: "127.0.0.1", port: port)
    poll = try EventPoll()
    try poll.add(socket, [.readable, .writable], tag: 0)
    try socket.setNoDelay()
    channel = make(socket)
  }

  deinit { channel.close() }

  package func send(_ bytes: [UInt8]) throws {
    let deadline = Self.deadline()
    var sent = 0
    while sent < bytes.count {
      if let count = try channel.send(bytes.span.bytes.extracting(sent...), more: false) {
        sent += count
      } else {
        try wait(until: deadline)
      }
    }
  }

  /// The next answer, without its four bytes of length.
  package func receive() throws -> [UInt8] {
    let head = try receive(count: 4)
    let count = head.reduce(0) { $0 << 8 | Int($1) }
    return try receive(count: count)
  }

  /// Sends a request, and gives the answer that comes next.
  package func ask(_ request: [UInt8]) throws -> [UInt8] {
    try send(request)
    return try receive()
  }

  private func receive(count: Int) throws -> [UInt8] {
    let deadline = Self.deadline()
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: max(1, count))
    while received.count < count {
      let room = count - received.count
      let taken: Int?
      do {
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        var part = bytes._mutatingExtracting(0..<room)
        taken = try channel.receive(into: &part)
      }
      guard let taken else {
        try wait(until: deadline)
        continue
      }
      if taken == 0 {
        throw WireConnectionError(
          description: "the broker closed after \(received.count) of \(count) bytes")
      }
      received += buffer[..<taken]
    }
    return received
  }

  private func wait(until deadline: Int64) throws {
    let left = deadline - MonotonicClock.nanoseconds()
    if left <= 0 { throw WireConnectionError(description: "no answer in \(Self.secondsMax) s") }
    try poll.wait(milliseconds: Int(left / 1_000_000) + 1) { _, _ in }
  }

  private static func deadline() -> Int64 {
    MonotonicClock.nanoseconds() + secondsMax * 1_000_000_000
  }
}
