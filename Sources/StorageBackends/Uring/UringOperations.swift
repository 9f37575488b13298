import LinuxIO
import LogStorage
import Records

/// An append between its submission and its completion; keeps the memory that the kernel reads.
/// A class, because an array cannot hold the noncopyable buffer.
final class UringAppend {
  let ticket: AppendTicket
  let segment: SegmentID
  let position: Int64
  let count: Int
  /// Writes that must end first.
  var remaining = 0
  var failure: StorageError?
  private var buffer: AlignedBuffer?
  /// A copy of bytes that lay wrong for O_DIRECT.
  private var staged: AlignedBuffer?

  init(
    _ ticket: AppendTicket, _ segment: SegmentID, position: Int64,
    _ buffer: consuming AlignedBuffer
  ) {
    self.ticket = ticket
    self.segment = segment
    self.position = position
    count = buffer.count
    self.buffer = consume buffer
    staged = nil
  }

  func withBuffer<Result>(_ body: (inout AlignedBuffer) -> Result) -> Result {
    guard var taken = buffer.take() else { preconditionFailure("the buffer was given back") }
    let result = body(&taken)
    buffer = consume taken
    return result
  }

  /// Keeps `copy` for as long as the append is under way; its memory.
  func stage(_ copy: consuming AlignedBuffer) -> UnsafeRawBufferPointer? {
    var copy = copy
    let memory = copy.memory(before: 0, after: 0)
    staged = consume copy
    return memory.map { UnsafeRawBufferPointer($0) }
  }

  /// Ends the append, and gives the buffer up.
  func takeCompletion() -> AppendCompletion? {
    guard let buffer = buffer.take() else { return nil }
    let result: Result<FilePosition, StorageError> =
      failure.map { .failure($0) } ?? .success(FilePosition(position))
    return AppendCompletion(ticket: ticket, segment: segment, buffer: buffer, result: result)
  }
}

/// One write of the ring: consecutive bytes of one segment, for one append or, where it rewrites a
/// block that several share, for more.
final class UringWrite<IO: RingIO> {
  let segment: UringSegment<IO>
  /// Where `memory` begins in the file.
  let position: Int64
  /// The bytes; their owner (an append, or `block`) outlives the write.
  var memory: UnsafeRawBufferPointer
  /// The bytes are a block of the backend's own memory.
  var block: BlockMemory.Block?
  var appends: [UringAppend] = []
  /// Bytes written by attempts that fell short.
  var done = 0
  var fruitless = 0
  /// A rewrite of this write's last block: never under way together with it.
  var rewrite: UringWrite<IO>?
  /// The flush that is linked to this write.
  var linkedFlush: UringFlush<IO>?

  init(_ segment: UringSegment<IO>, _ memory: UnsafeRawBufferPointer, at position: Int64) {
    self.segment = segment
    self.memory = memory
    self.position = position
  }
}

/// One flush of one segment by the ring, and the requests that it answers.
final class UringFlush<IO: RingIO> {
  let segment: UringSegment<IO>
  /// The last append that it covers.
  let after: AppendTicket?
  let requests: [FlushRequest]
  /// Flushes of the segment that were under way together with this one. Of two such the kernel tells only
  /// one that a writeback failed, and not in which order they ran: this one's success is worth
  /// nothing until theirs is known.
  var overlapping: [UringFlush<IO>] = []
  private(set) var hasEnded = false

  func end() { hasEnded = true }

  /// True where nothing can be learned any more that makes its success worth nothing.
  var isCertain: Bool { overlapping.allSatisfy(\.hasEnded) }

  init(_ segment: UringSegment<IO>, after: AppendTicket?, _ requests: [FlushRequest]) {
    self.segment = segment
    self.after = after
    self.requests = requests
  }
}

/// What `flush` was asked: done when every segment has answered.
final class FlushRequest {
  let ticket: FlushTicket
  var remaining: Int
  var failures: [SegmentID: StorageError] = [:]
  init(_ ticket: FlushTicket, segmentCount: Int) {
    self.ticket = ticket
    remaining = segmentCount
  }
}

/// Memory for blocks that are rewritten: one region, registered with the ring where the system
/// allows it, so that the kernel need not pin it for each write.
final class BlockMemory {
  struct Block {
    let bytes: UnsafeMutableRawBufferPointer
    fileprivate let slot: Int?
  }

  private let region: UnsafeMutableRawBufferPointer
  private let blockBytes: Int
  private var free: [Int]
  private(set) var isRegistered = false

  init(blockBytes: Int, count: Int) {
    self.blockBytes = blockBytes
    region = .allocate(byteCount: blockBytes * count, alignment: AlignedBuffer.alignment)
    _ = region.initializeMemory(as: UInt8.self, repeating: 0)
    free = Array((0..<count).reversed())
  }

  deinit { region.deallocate() }

  func register(with ring: some SubmissionRing) { isRegistered = ring.registerMemory(region) }

  func isRegistered(_ block: Block?) -> Bool { isRegistered && block?.slot != nil }

  func take() -> Block {
    guard let slot = free.popLast() else {
      let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: blockBytes, alignment: AlignedBuffer.alignment)
      return Block(bytes: bytes, slot: nil)
    }
    let start = slot * blockBytes
    return Block(
      bytes: UnsafeMutableRawBufferPointer(rebasing: region[start..<(start + blockBytes)]),
      slot: slot)
  }

  func giveBack(_ block: Block) {
    if let slot = block.slot { free.append(slot) } else { block.bytes.deallocate() }
  }
}
