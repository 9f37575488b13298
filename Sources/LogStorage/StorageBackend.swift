import LinuxIO
import Records

/// One open segment of one backend. Meaningless to any other.
package struct SegmentID: Hashable, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }
}

/// A queued append; its completion carries the same ticket.
package struct AppendTicket: Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A requested flush; its completion carries the same ticket.
package struct FlushTicket: Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// What a backend is, so that a suite can skip what cannot be and a reader can tell what it saw.
package struct StorageCapabilities: Hashable, Sendable {
  /// The name in flags, suites and CSV.
  package let name: String
  /// Bytes to which file positions of writes are padded; 1 where any will do.
  package let blockBytes: Int
  /// True where `append` may answer `.queued`.
  package let isAsynchronous: Bool
  /// True where writes bypass the page cache.
  package let isDirect: Bool
  /// True where bytes are stored to a mapping of the file.
  package let isMapped: Bool
  /// True where bytes go through the page cache and do not stay in it.
  package let isUncached: Bool
  /// The ways of coming by space that it can do; the first is what it does unless told otherwise.
  package let preallocations: [Preallocation]

  package init(
    name: String, blockBytes: Int, isAsynchronous: Bool, isDirect: Bool, isMapped: Bool = false,
    isUncached: Bool = false, preallocations: [Preallocation] = Preallocation.allCases
  ) {
    self.name = name
    self.blockBytes = blockBytes
    self.isAsynchronous = isAsynchronous
    self.isDirect = isDirect
    self.isMapped = isMapped
    self.isUncached = isUncached
    self.preallocations = preallocations
  }
}

/// An append that ended: the buffer comes back, whatever happened.
package struct AppendCompletion: ~Copyable {
  package let ticket: AppendTicket
  package let segment: SegmentID
  package var buffer: AlignedBuffer
  /// Where the bytes begin in the file. On success they are *written*: a killed process keeps them.
  package let result: Result<FilePosition, StorageError>

  package init(
    ticket: AppendTicket, segment: SegmentID, buffer: consuming AlignedBuffer,
    result: Result<FilePosition, StorageError>
  ) {
    self.ticket = ticket
    self.segment = segment
    self.buffer = buffer
    self.result = result
  }

  /// The buffer, when the rest has been looked at.
  package consuming func takeBuffer() -> AlignedBuffer { buffer }
}

/// A flush that ended.
package struct FlushCompletion: Sendable {
  package let ticket: FlushTicket
  /// The segments whose bytes are in doubt; those not named are durable as the flush promised.
  package let failures: [SegmentID: StorageError]

  package init(ticket: FlushTicket, failures: [SegmentID: StorageError]) {
    self.ticket = ticket
    self.failures = failures
  }
}

/// What `reap` hands out.
package enum Completion: ~Copyable {
  case append(AppendCompletion)
  case flush(FlushCompletion)
}

/// The three answers to one verb (fio's `FIO_Q_COMPLETED`, `FIO_Q_QUEUED`, `FIO_Q_BUSY`).
package enum Submission: ~Copyable {
  /// The append ended, well or not, before the call returned.
  case completed(AppendCompletion)
  /// The append is under way; its completion comes by `reap`.
  case queued(AppendTicket)
  /// No room in the queue: reap, then try again with the buffer given back.
  case busy(AlignedBuffer)
}

/// How a segment is opened for appending.
package struct SegmentOptions: Hashable, Sendable {
  package enum Origin: Hashable, Sendable {
    /// The file must not exist yet.
    case new
    /// Cut the file to `position`, where the last good batch ends, and go on from there.
    case existing
    /// A new segment in a file that was another one's: its bytes mean nothing, and its space is
    /// written over.
    case recycled
  }

  /// Appends begin here: 0 for a new segment.
  package var position: FilePosition
  package var origin: Origin
  /// Nil is the backend's own way.
  package var preallocation: Preallocation?
  /// The segment's greatest size, in bytes, past which no space is taken ahead.
  package var sizeMax: Int64

  package init(
    position: FilePosition, origin: Origin, preallocation: Preallocation? = nil,
    sizeMax: Int64 = .max
  ) {
    self.position = position
    self.origin = origin
    self.preallocation = preallocation
    self.sizeMax = sizeMax
  }
}

/// What a program chooses when it makes a backend.
package struct BackendOptions: Sendable {
  /// Appends under way at once, where the backend is asynchronous.
  package var queueDepth: Int
  /// Space taken ahead of the ends of all open segments together, in bytes.
  package var spaceAheadBytesMax: Int64
  /// Is to be told of calls that take long; for whoever makes the backend's `FileIO`.
  package var watch: (any FileWatch)?

  package init(
    queueDepth: Int = 32, spaceAheadBytesMax: Int64 = 1 << 30, watch: (any FileWatch)? = nil
  ) {
    self.queueDepth = queueDepth
    self.spaceAheadBytesMax = spaceAheadBytesMax
    self.watch = watch
  }
}

/// The seam: a way to append bytes to segment files.
///
/// One instance belongs to one I/O thread and owns what its segments share (a ring, a pool, a
/// budget); every call comes from that thread. Readers on other threads never call it: they read
/// through the `SegmentFile` that `open` was given, which the backend keeps true.
///
/// **Order.** Appends to one segment take consecutive positions in the order of the calls. They
/// may complete out of order. After a failed append the ones queued behind it on the same segment
/// fail too (their positions would leave a hole); then the log truncates to the last good end and
/// goes on, or gives the segment up.
///
/// **Visibility.** Before an append's completion is handed out, a reader that knows its end can
/// read it through the segment's `LogSlice`: from the file, or, for the part of a block that a
/// later write will rewrite, from the copy in memory (`SegmentTail`).
///
/// **Files.** All backends leave the same bytes: after `seal` or `close` the file ends with the
/// last appended byte, and any backend, or Kafka's own tools, can open it.
package protocol StorageBackend: ~Copyable {
  associatedtype IO: FileIO

  static var capabilities: StorageCapabilities { get }

  /// The calls this backend makes.
  var io: IO { get }

  /// Opens `file` for appending. A new file's name is not durable until its directory is
  /// synchronized, which is the log's part.
  mutating func open(
    _ file: SegmentFile, _ options: SegmentOptions
  ) throws(StorageError) -> SegmentID

  /// By how many bytes the next append's buffer should be shifted
  /// (`AlignedBuffer.clear(shiftedBy:)`) to be written without a copy. A hint: any buffer works.
  func placement(of segment: SegmentID) -> Int

  /// Appends all of `buffer` at the segment's end. Takes the buffer, and gives it back.
  mutating func append(
    _ buffer: consuming AlignedBuffer, to segment: SegmentID
  ) -> Submission

  /// Begins making durable every append accepted for these segments so far, queued ones included.
  /// Its completion comes by `reap`, after theirs. One ticket for many segments: group commit.
  mutating func flush(_ segments: [SegmentID]) -> FlushTicket

  /// Hands out what has completed, in order of completion; the count. Does not wait unless
  /// `waiting` and something is under way. The body must not call the backend.
  mutating func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int

  /// Cuts the segment back to `position`. Nothing may be queued on it.
  mutating func truncate(_ segment: SegmentID, to position: FilePosition) throws(StorageError)

  /// Ends the segment: padding and preallocated space are cut off, the descriptor is closed, and
  /// from here on the file is plain and free of the backend. Nothing may be queued on it. Does not
  /// flush: what was not flushed before is as durable as before. After a throw the descriptor is
  /// closed all the same, and the file may end in padding.
  mutating func seal(_ segment: SegmentID) throws(StorageError)

  /// Lets the segment go as it is, after a failure: closes the descriptor, changes nothing.
  mutating func abandon(_ segment: SegmentID)
}
