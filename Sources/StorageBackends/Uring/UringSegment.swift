import LinuxIO
import LogStorage
import Records

/// One open segment of the ring's, with what is under way on it.
///
/// ```
///   file    [ ... | written, in order | under way ...            ]
///                                     ^ written.end              ^ open.position: accepted
/// ```
/// Two appends that meet inside a block may not both have it under way: the second one's part is a
/// *rewrite* of that block, which waits for the write before it and takes along whatever else was
/// appended to the block meanwhile. The rest of the second append does not wait.
final class UringSegment<IO: RingIO> {
  let id: SegmentID
  let open: OpenSegment<IO>
  let file: RingFile
  let blockBytes: Int
  let memoryAlignment: Int
  /// The last block as accepted: what a rewrite begins with.
  var accepted: LastBlock
  /// The last block as written, which readers see.
  private var written: LastBlock
  private let segmentFile: SegmentFile
  private let tail: SegmentTail?

  /// Not handed out yet, in order of position.
  private(set) var appends: [UringAppend] = []
  /// The write that has the last, partial block under way, or will.
  var lastWrite: UringWrite<IO>?
  /// Flushes that wait for appends before them: the last of those appends, and who asked.
  var waitingFlushes: [(after: AppendTicket?, request: FlushRequest)] = []
  private var flushesUnderWay: [UringFlush<IO>] = []
  /// Flushes that have ended, and are answered when the appends before them have.
  var endedFlushes: [(flush: UringFlush<IO>, failure: StorageError?)] = []

  init(
    _ id: SegmentID, _ open: OpenSegment<IO>, _ segmentFile: SegmentFile, _ file: RingFile
  ) throws(StorageError) {
    self.id = id
    self.open = open
    self.file = file
    self.segmentFile = segmentFile
    let isDirect = open.alignment != nil
    blockBytes = isDirect ? max(open.alignment?.offset ?? 0, AlignedBuffer.alignment) : 1
    memoryAlignment = open.alignment?.memory ?? 1
    accepted = LastBlock(blockBytes: blockBytes)
    written = LastBlock(blockBytes: blockBytes)
    tail = isDirect ? segmentFile.makeTail(blockBytes: blockBytes) : nil
    try accepted.read(to: open.position, of: open.handle)
    written.copy(accepted)
    publish()
  }

  var isIdle: Bool {
    appends.isEmpty && waitingFlushes.isEmpty && !isFlushing && endedFlushes.isEmpty
  }

  var isFlushing: Bool { !flushesUnderWay.isEmpty }

  /// What holds the segment is held by it no more.
  func forgetWork() {
    lastWrite = nil
    endedFlushes = []
    for flush in flushesUnderWay { flush.overlapping = [] }
    flushesUnderWay = []
  }

  func begin(_ flush: UringFlush<IO>) {
    flush.overlapping = flushesUnderWay
    for other in flushesUnderWay { other.overlapping.append(flush) }
    flushesUnderWay.append(flush)
  }

  func end(_ flush: UringFlush<IO>) {
    flush.end()
    flushesUnderWay.removeAll { $0 === flush }
  }

  /// True where the append, and with it all before it, was handed out; nil is none.
  func hasEnded(_ ticket: AppendTicket?) -> Bool {
    guard let ticket, let first = appends.first?.ticket else { return true }
    return ticket.rawValue < first.rawValue
  }

  func enqueue(_ append: UringAppend) { appends.append(append) }

  /// Takes the appends that have ended off the front, in order, and shows them to readers. After a
  /// failure the ones behind it fail too, since their positions would leave a hole.
  func takeEnded(_ body: (UringAppend) -> Void) {
    var count = 0
    for append in appends {
      guard append.remaining == 0 else { break }
      if append.failure == nil {
        append.withBuffer { written.advance(past: $0.bytes) }
        publish()
      } else {
        open.health = open.health == .fenced ? .fenced : .endInDoubt
        for behind in appends[count...] where behind.failure == nil {
          behind.failure = append.failure
        }
      }
      count += 1
      body(append)
    }
    if count > 0 { appends.removeFirst(count) }
  }

  /// `ftruncate(2)`; nothing is under way.
  func truncate(to position: Int64) throws(StorageError) {
    try open.truncate(to: position)
    lastWrite = nil
    // After a failed append the memory of what was written is still right, and the file's last
    // block may not be readable.
    if position != written.end {
      do throws(StorageError) { try written.read(to: position, of: open.handle) } catch {
        open.health = .fenced
        throw error
      }
    }
    accepted.copy(written)
    publish()
  }

  func seal() throws(StorageError) {
    try open.seal(isPadded: tail != nil)
    if tail != nil { segmentFile.finishTail(at: open.position) }
  }

  private func publish() { if let tail { written.publish(to: tail) } }
}
