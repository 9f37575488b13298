import LinuxIO

/// Why a connection's bytes are no request.
enum FrameFault: Error, CustomStringConvertible {
  case connection(SystemCallError)
  case lengthOutOfRange(Int32, max: Int)
  /// The peer ended in the middle of a request.
  case unfinished(received: Int, of: Int)
  /// Serving it could take more memory than there is for all requests.
  case tooLargeToServe(bytes: Int, api: Int, max: Int)

  var description: String {
    switch self {
    case .connection(let error): "the connection failed: \(error)"
    case .lengthOutOfRange(let found, let max):
      Self.otherProtocol(found).map { "\($0) came, expected Kafka's protocol" }
        ?? "a request of \(found) bytes was announced, expected 1 to \(max) (socket.request.max.bytes)"
    case .unfinished(let received, let wanted):
      "the connection ended after \(received) of a request's \(wanted) bytes"
    case .tooLargeToServe(let bytes, let api, let max):
      "a request of \(bytes) bytes for API \(api) came, expected at most \(max): serving it could take "
        + "\(FrameIntake.servingFactor) times as much memory; ask for less at once, or raise "
        + "queued.max.request.bytes"
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
  let charge: MemoryAccount.Charge
}

/// Receives one connection's requests, each into memory of its own: what the channel gives is read
/// to where it stays until it is copied to a backend's buffer. Holds no memory between requests,
/// and while a large one arrives little more than four times what has come of it.
final class FrameIntake {
  enum Step {
    case frame, ended, noMemory
    /// Nothing has come.
    case wouldBlock
    /// All that had come is received, and the request is not whole.
    case drained
    /// As much was received as was to be at once; more may be here.
    case turnOver
  }

  /// How much of a request is received before it is paid for, and how much where memory is short.
  private static let firstBytesMax = 64 << 10
  private static let firstBytesMaxWhenShort = 4 << 10
  /// Requests up to this size may use the account's reserve.
  private static let smallBytes = 16 << 10
  /// What a request other than Produce may take while it is decoded, in times its bytes: an element
  /// of a few bytes becomes a value here and one in the answer. The answer itself is counted when
  /// it is there.
  static let servingFactor = 32

  private let bytesMax: Int
  private let servedBytesMax: Int
  private let account: MemoryAccount
  private let holder: MemoryAccount.Holder
  private let pool: FramePool
  private var length: UInt32 = 0
  private var lengthCount = 0
  private var frameBytes = 0
  private var received = 0
  /// Bytes of the request that may be received: they are paid for.
  private var admitted = 0
  private var isServable = false
  private var buffer: AlignedBuffer?
  private var charge: MemoryAccount.Charge
  /// When the first byte of the request under way came; nil between requests.
  private(set) var beganAt: Int64?
  /// When so much came last that it counts as progress: a byte now and then holds what came before
  /// it.
  private(set) var movedAt: Int64 = 0
  /// What had come by then.
  private var receivedWhenMoved = 0
  private static let progressBytes = 16 << 10
  /// How often the request under way came in less than that.
  private var smallSteps = 0
  /// After so many of them the channel tells of the rest, or of so much that it counts: a request
  /// that comes a byte at a time would cost a turn for each.
  private static let smallStepsMax = 8
  /// With how many bytes the channel wakes.
  private var wakeBytes = 1

  init(
    bytesMax: Int, account: MemoryAccount, holder: MemoryAccount.Holder, pool: FramePool
  ) {
    self.bytesMax = bytesMax
    self.account = account
    servedBytesMax = account.requestMax / Self.servingFactor
    self.holder = holder
    self.pool = pool
    charge = holder.open()
  }

  /// True where part of a request is in memory.
  var holdsMemory: Bool { buffer != nil }

  /// Bytes of the request under way that are to come.
  var missingBytes: Int { frameBytes - received }

  /// True where so many bytes more would be the rest of the request, or enough to count as
  /// progress.
  func isProgress(_ bytes: Int) -> Bool { bytes >= min(missingBytes, Self.progressBytes) }

  /// The request under way has as long from now on as if it had just begun: the delay is not the
  /// client's.
  func restartClock(now: Int64) {
    if beganAt == nil { return }
    beganAt = now
    movedAt = now
  }

  /// Receives until a request is whole and paid for, or `bytesMax` and a step have come, and counts
  /// the bytes into `receivedBytes`.
  func receive(
    from channel: any ByteChannel, scratch: inout AlignedBuffer, bytesMax: Int, now: Int64,
    receivedBytes: inout Int
  ) throws(FrameFault) -> Step {
    if lengthCount < 4 {
      guard let count = try receiveLength(&scratch, channel) else { return .wouldBlock }
      if count == 0 {
        if lengthCount == 0 { return .ended }
        throw .unfinished(received: lengthCount, of: 4)
      }
      receivedBytes += count
      if beganAt == nil { beganAt = now }
      takeLength(scratch)
      if lengthCount < 4 { return .drained }
      try begin()
    }
    var isDrained = false
    while true {
      if received > 0 && admitted <= received, try !admit(now) { return .noMemory }
      if isServable {
        try wake(channel, with: 1)
        return .frame
      }
      if isDrained { return .drained }
      if receivedBytes >= bytesMax { return .turnOver }
      let room = received == 0 ? firstRoom(now) : admitted - received
      let step = received == 0 ? try receiveFirst(channel, room) : try receiveMore(channel)
      guard let step else { return .wouldBlock }
      if step == 0 { throw .unfinished(received: received, of: frameBytes) }
      receivedBytes += step
      note(step, now)
      isDrained = step < room
      if isDrained { try noteDrained(channel, step) }
    }
  }

  /// So many bytes of the request have come.
  private func note(_ step: Int, _ now: Int64) {
    if received == 0 || received + step - receivedWhenMoved >= Self.progressBytes {
      movedAt = now
      receivedWhenMoved = received + step
    }
    received += step
  }

  /// No more than `step` bytes were there.
  private func noteDrained(_ channel: any ByteChannel, _ step: Int) throws(FrameFault) {
    if step < Self.progressBytes { smallSteps += 1 }
    if smallSteps >= Self.smallStepsMax {
      try wake(channel, with: max(1, min(missingBytes, Self.progressBytes)))
    }
  }

  private func wake(_ channel: any ByteChannel, with count: Int) throws(FrameFault) {
    if count == wakeBytes { return }
    do throws(SystemCallError) { try channel.setWakeBytes(count) } catch {
      throw .connection(error)
    }
    wakeBytes = count
  }

  /// After `.frame`: the request.
  func takeFrame() -> ReceivedFrame {
    defer {
      charge = holder.open()
      length = 0
      lengthCount = 0
      frameBytes = 0
      received = 0
      receivedWhenMoved = 0
      smallSteps = 0
      admitted = 0
      isServable = false
      beganAt = nil
    }
    return ReceivedFrame(buffer: buffer.take(), charge: charge)
  }

  // MARK: - Paying

  /// Pays for what has come, and for some more of a request that has not come whole; for what
  /// serving it takes where it has. False where there is no memory now; what has come is held all
  /// the same, and counts.
  private func admit(_ now: Int64) throws(FrameFault) -> Bool {
    let isWhole = received == frameBytes
    let cost = isWhole ? try costOfServing() : min(frameBytes, max(4096, 4 * received))
    // What could not be paid for at the last attempt is counted with the rest.
    charge.set(min(admitted, charge.bytes))
    let isSmall = isWhole && frameBytes <= Self.smallBytes
    guard charge.take(cost - charge.bytes, isWhole: isSmall, now: now) else {
      charge.set(max(received, charge.bytes))
      return false
    }
    admitted = isWhole ? frameBytes : cost
    isServable = isWhole
    return true
  }

  private func costOfServing() throws(FrameFault) -> Int {
    let api = buffer?.withBytes { bytes in
      bytes.byteCount < 2
        ? -1 : Int(Int16(bigEndian: bytes.unsafeLoadUnaligned(as: Int16.self)))
    }
    // The batches of a Produce request stay where they are.
    if api == 0 { return frameBytes }
    guard frameBytes <= servedBytesMax || frameBytes <= Self.smallBytes else {
      throw .tooLargeToServe(bytes: frameBytes, api: api ?? -1, max: servedBytesMax)
    }
    return min(frameBytes * Self.servingFactor, account.requestMax)
  }

  // MARK: - Bytes

  private func takeLength(_ scratch: borrowing AlignedBuffer) {
    scratch.withBytes { bytes in
      for index in 0..<bytes.byteCount {
        length = length << 8 | UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
      }
      lengthCount += bytes.byteCount
    }
  }

  private func begin() throws(FrameFault) {
    let announced = Int32(bitPattern: length)
    guard announced > 0, Int(announced) <= bytesMax else {
      throw .lengthOutOfRange(announced, max: bytesMax)
    }
    frameBytes = Int(announced)
  }

  /// How many bytes may come before any is paid for.
  private func firstRoom(_ now: Int64) -> Int {
    min(frameBytes, account.isShort(now: now) ? Self.firstBytesMaxWhenShort : Self.firstBytesMax)
  }

  /// The request's first bytes, after which it has memory.
  private func receiveFirst(_ channel: any ByteChannel, _ room: Int) throws(FrameFault) -> Int? {
    // A large one gets its memory when it has shown that it comes: what was used before is there at
    // once.
    let capacity = min(frameBytes, Self.firstBytesMax)
    var taken = pool.take(capacity: capacity)
    taken.resize(to: capacity)
    let count = try Self.receive(channel, into: &taken, 0..<room)
    guard let count, count > 0 else {
      pool.giveBack(taken)
      return count
    }
    buffer = .some(taken)
    return count
  }

  private func receiveMore(_ channel: any ByteChannel) throws(FrameFault) -> Int? {
    guard var taken = buffer.take() else { return nil }
    if taken.count < admitted {
      var larger = pool.take(capacity: frameBytes)
      larger.append(taken.bytes)
      larger.resize(to: frameBytes)
      pool.giveBack(taken)
      taken = larger
    }
    do throws(FrameFault) {
      let count = try Self.receive(channel, into: &taken, received..<admitted)
      buffer = .some(taken)
      return count
    } catch {
      buffer = .some(taken)
      throw error
    }
  }

  private static func receive(
    _ channel: any ByteChannel, into buffer: inout AlignedBuffer, _ range: Range<Int>
  ) throws(FrameFault) -> Int? {
    do throws(SystemCallError) {
      return try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
        var room = bytes._mutatingExtracting(range)
        return try channel.receive(into: &room)
      }
    } catch { throw .connection(error) }
  }

  /// Some bytes of the length, into the scratch buffer, which holds them then.
  private func receiveLength(
    _ scratch: inout AlignedBuffer, _ channel: any ByteChannel
  ) throws(FrameFault) -> Int? {
    scratch.clear()
    scratch.resize(to: 4 - lengthCount)
    let count = try Self.receive(channel, into: &scratch, 0..<(4 - lengthCount))
    scratch.truncate(to: count ?? 0)
    return count
  }
}
