import KafkaProtocol
import LinuxIO

/// One connection's bytes in both directions, held against each other: responses come in the order of the
/// requests, each decodes as its request's, and none is missing where every request was a good one.
struct WireExchange {
  private struct Expected {
    let header: RequestHeader
    /// False for a produce request with acks=0.
    var isAnswered = true
  }

  private var expected: [Expected] = []
  /// False from the first bytes on that are no request: the broker closes the connection there.
  private var isWellFormed = true
  /// True where it may close the connection for another reason.
  private var mayEnd = false

  /// `sent` as the broker reads it: a length, and so many bytes.
  init(sent: [UInt8], requestBytesMax: Int) {
    var rest = sent[...]
    while !rest.isEmpty {
      guard let count = WireFrame.announced(rest), (1...requestBytesMax).contains(count),
        rest.count >= 4 + count
      else {
        isWellFormed = false
        return
      }
      note(Array(rest.dropFirst(4).prefix(count)))
      rest = rest.dropFirst(4 + count)
      if !isWellFormed { return }
    }
  }

  private mutating func note(_ frame: [UInt8]) {
    guard let (header, start) = try? RequestHeader.decode(frame.span.bytes), let api = header.api
    else {
      isWellFormed = false
      return
    }
    var request = Expected(header: header)
    if header.isSupported {
      if api == .produce {
        let produced = try? ProduceRequest.decode(
          frame.span.bytes, from: start, version: header.apiVersion)
        if let produced, produced.acks == 0 {
          request.isAnswered = false
          // One that fails ends the connection.
          mayEnd = true
        }
      }
      isWellFormed = decodes(api.request, frame, start, header.apiVersion)
    } else {
      // Answered in version 0's form, where another API's connection is closed.
      isWellFormed = api == .apiVersions
    }
    if isWellFormed { expected.append(request) }
  }

  private func decodes<R: WireRequest>(
    _ type: R.Type, _ frame: [UInt8], _ start: Int, _ version: Int16
  ) -> Bool {
    (try? R.decode(frame.span.bytes, from: start, version: version)) != nil
  }

  func check(received: [UInt8]) throws(FuzzViolation) {
    var next = expected[...]
    var rest = received[...]
    while let count = WireFrame.announced(rest), count >= 0, rest.count >= 4 + count {
      let frame = Array(rest.prefix(4 + count))
      rest = rest.dropFirst(4 + count)
      while let first = next.first, !first.isAnswered { next = next.dropFirst() }
      guard let request = next.popFirst() else {
        throw FuzzViolation("a response more than there were requests: \(frame)")
      }
      try check(frame, request.header)
    }
    if isWellFormed && !mayEnd {
      try require(rest.isEmpty, "half a response: \(Array(rest))")
      try require(next.isEmpty, "\(next.count) requests of \(expected.count) have no answer")
    }
  }

  private func check(_ frame: [UInt8], _ header: RequestHeader) throws(FuzzViolation) {
    let number = WireFrame.announced(frame.dropFirst(4)).map { Int32(truncatingIfNeeded: $0) }
    try require(number, equals: header.correlationId, "the correlation id of \(header)")
    guard let api = header.api else { throw FuzzViolation("an answer to \(header)") }
    let version = header.isSupported ? header.apiVersion : 0
    try decode(api.request, frame, version)
  }

  private func decode<R: WireRequest>(
    _ type: R.Type, _ frame: [UInt8], _ version: Int16
  ) throws(FuzzViolation) {
    _ = try decodedResponse(R.self, frame, version: version)
  }
}

/// A client's end of a connection, which waits, but not for ever: less long than `-timeout` in
/// Scripts/fuzz, so that the finding says what was waited for.
final class WireClient {
  private static let secondsMax: Int64 = 9

  private let socket: SocketHandle
  private let poll: EventPoll

  init(port: UInt16) throws(SystemCallError) {
    socket = try SocketHandle.connect(host: "127.0.0.1", port: port)
    poll = try EventPoll()
    try poll.add(socket, [.readable, .writable], tag: 0)
    try socket.setNoDelay()
  }

  deinit { socket.close() }

  /// Sends until the peer takes no more because it has closed.
  func send(_ bytes: [UInt8]) throws(FuzzViolation) {
    let deadline = Self.deadline()
    var sent = 0
    while sent < bytes.count {
      do throws(SystemCallError) {
        if let count = try socket.send(bytes.span.bytes.extracting(sent...), more: false) {
          sent += count
        } else {
          try wait(until: deadline)
        }
      } catch { return }
      try require(MonotonicClock.nanoseconds() < deadline, "the broker takes no bytes")
    }
  }

  func finishSending() { socket.finishSending() }

  /// What comes until the peer ends, or until so many bytes are there.
  func receive(upTo bytesMax: Int = .max) throws(FuzzViolation) -> [UInt8] {
    let deadline = Self.deadline()
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while received.count < bytesMax {
      var count: Int? = 0
      let room = min(buffer.count, bytesMax - received.count)
      do throws(SystemCallError) {
        var span = buffer.mutableSpan
        var bytes = span.mutableBytes
        var part = bytes._mutatingExtracting(0..<room)
        count = try socket.receive(into: &part)
        if count == nil { try wait(until: deadline) }
      } catch { return received }
      if let count {
        if count == 0 { return received }
        received += buffer[..<count]
      }
      try require(
        MonotonicClock.nanoseconds() < deadline, "no end after \(received.count) bytes")
    }
    return received
  }

  /// One request's answer, as a whole frame.
  func ask(_ request: [UInt8]) throws(FuzzViolation) -> [UInt8] {
    try send(request)
    let head = try receive(upTo: 4)
    guard let count = WireFrame.announced(head[...]), count > 0 else {
      throw FuzzViolation("a good request of another client is not answered")
    }
    return head + (try receive(upTo: count))
  }

  private func wait(until deadline: Int64) throws(SystemCallError) {
    let left = max(0, deadline - MonotonicClock.nanoseconds())
    try poll.wait(milliseconds: Int(left / 1_000_000) + 1) { _, _ in }
  }

  private static func deadline() -> Int64 {
    MonotonicClock.nanoseconds() + secondsMax * 1_000_000_000
  }
}
