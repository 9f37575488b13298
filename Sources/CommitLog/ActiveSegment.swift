import LinuxIO
import LogStorage
import Records

/// The segment that a partition appends to, open in a backend.
final class ActiveSegment {
  let driver: BackendDriver
  let id: SegmentID
  let segment: LogSegment
  /// What the index and the space ahead were made for. Where `segment.bytes` is raised, the next segment
  /// may be larger.
  let bytesMax: Int
  var index: IndexWriter
  /// What the index files have of it; nil where they may have something else.
  var savedIndexes: SavedIndexes?
  var acceptedEnd: FilePosition
  var writtenEnd: FilePosition
  /// What the last flush that ended covers.
  var durableEnd: FilePosition
  /// A flush that ended, or is under way, covers the bytes up to here.
  var promisedEnd: FilePosition
  /// Queued appends, in order of position.
  var pending: [PendingAppend] = []
  /// The first failure among queued appends, until the log is cut back.
  var failure: StorageError?
  var isInGroup = false
  var oldestUnflushedNanoseconds: Int64?

  init(
    driver: BackendDriver, id: SegmentID, segment: LogSegment, bytesMax: Int, index: IndexWriter,
    end: FilePosition
  ) {
    self.driver = driver
    self.id = id
    self.segment = segment
    self.bytesMax = bytesMax
    self.index = index
    acceptedEnd = end
    writtenEnd = end
    durableEnd = end
    promisedEnd = end
  }
}
