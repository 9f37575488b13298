import LinuxIO

/// Why a connection's bytes are no request.
enum FrameFault: Error, CustomStringConvertible {
  case connection(SystemCallError)
  case lengthOutOfRange(Int32, max: Int)
  /// The peer ended in the middle of a request.
  case unfinished(received: Int, of: Int)

  var description: String {
    switch self {
    case .connection(let error): "the connection failed: \(error)"
    case .lengthOutOfRange(let found, let max):
      Self.otherProtocol(found).map { "\($0) came, expected Kafka's protocol" }
        ?? "a request of \(found) bytes was announced, expected 1 to \(max) (socket.request.max.bytes)"
    case .unfinished(let received, let wanted):
      "the connection ended after \(received) of a request's \(wanted) bytes"
    }
  }

  /// What begins with these four bytes, where that is something else that people send.
  private static func otherProtocol(_ length: Int32) -> String? {
    let bits = UInt32(bitPattern: length)
    let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> UInt32($0)) }
    // A record of TLS's handshake, of any of its versions.
    if bytes[0] == 0x16 && bytes[1] == 3 { return "a TLS handshake" }
    let methods = ["GET ", "POST", "HEAD", "PUT ", "OPTI", "DELE", "PRI "]
    return methods.contains { Array($0.utf8) == bytes } ? "an HTTP request" : nil
  }
}

/// A whole request's bytes, without its length, and what they cost.
struct ReceivedFrame: ~Copyable {
  var buffer: AlignedBuffer?
  let charge: MemoryBudget.Charge
}

/// Receives one connection's requests, each into memory of its own: what the socket gives is read to
/// where it stays until it is copied to a backend's buffer. Holds no memory between requests.
final class FrameIntake {
  enum Step { case frame, wouldBlock, ended, noMemory }

  /// Requests up to this size take their memory when they begin; larger ones as they arrive, so that an
  /// announced length costs nobody anything.
  private static let stepBytes = 1 << 20

  private let bytesMax: Int
  private let budget: MemoryBudget
  private var length: UInt32 = 0
  private var lengthCount = 0
  private var frameBytes = 0
  private var received = 0
  private var buffer: AlignedBuffer?
  private var charge: MemoryBudget.Charge
  /// When the first byte of the request under way came; nil between requests.
  private(set) var beganAt: Int64?

  init(bytesMax: Int, budget: MemoryBudget) {
    self.bytesMax = bytesMax
    self.budget = budget
    charge = budget.open()
  }

  /// The request under way has as long from now on as if it had just begun: the delay is not the client's.
  func restartClock(now: Int64) {
    if beganAt != nil { beganAt = now }
  }

  /// Receives until a request is whole, and counts the bytes into `receivedBytes`.
  func receive(
    from socket: SocketHandle, scratch: inout AlignedBuffer, now: Int64, receivedBytes: inout Int
  ) throws(FrameFault) -> Step {
    while lengthCount < 4 {
      guard let count = try receiveLength(socket, &scratch) else { return .wouldBlock }
      if count == 0 {
        if lengthCount == 0 { return .ended }
        throw .unfinished(received: lengthCount, of: 4)
      }
      receivedBytes += count
      if beganAt == nil { beganAt = now }
      if lengthCount == 4 { try begin() }
    }
    while received < frameBytes {
      let paid = min(frameBytes, charge.bytes)
      if received == paid {
        let step = min(Self.stepBytes, frameBytes - paid)
        guard budget.take(step, charge) else { return .noMemory }
        continue
      }
      if buffer == nil {
        buffer = AlignedBuffer(capacity: frameBytes)
        buffer?.resize(to: frameBytes)
      }
      guard let count = try receiveBody(socket, upTo: paid) else { return .wouldBlock }
      if count == 0 { throw .unfinished(received: received, of: frameBytes) }
      receivedBytes += count
      received += count
    }
    return .frame
  }

  /// After `.frame`: the request.
  func takeFrame() -> ReceivedFrame {
    defer {
      charge = budget.open()
      length = 0
      lengthCount = 0
      frameBytes = 0
      received = 0
      beganAt = nil
    }
    return ReceivedFrame(buffer: buffer.take(), charge: charge)
  }

  private func receiveLength(
    _ socket: SocketHandle, _ scratch: inout AlignedBuffer
  ) throws(FrameFault) -> Int? {
    scratch.clear()
    scratch.resize(to: 4 - lengthCount)
    let count: Int?
    do throws(SystemCallError) {
      count = try scratch.withMutableBytes { (bytes) throws(SystemCallError) in
        try socket.receive(into: &bytes)
      }
    } catch { throw .connection(error) }
    guard let count else { return nil }
    scratch.withBytes { bytes in
      for index in 0..<count {
        length = length << 8 | UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
      }
    }
    lengthCount += count
    return count
  }

  private func begin() throws(FrameFault) {
    let announced = Int32(bitPattern: length)
    guard announced > 0, Int(announced) <= bytesMax else {
      throw .lengthOutOfRange(announced, max: bytesMax)
    }
    frameBytes = Int(announced)
  }

  private func receiveBody(_ socket: SocketHandle, upTo end: Int) throws(FrameFault) -> Int? {
    let start = received
    do throws(SystemCallError) {
      return try buffer?.withMutableBytes { (bytes) throws(SystemCallError) in
        var room = bytes._mutatingExtracting(start..<end)
        return try socket.receive(into: &room)
      } ?? nil
    } catch { throw .connection(error) }
  }
}
