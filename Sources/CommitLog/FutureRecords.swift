import LogStorage
import Records
import Wording

/// The first segment of a log, where retention by time keeps it for a record from the future, and
/// with it all segments behind it, however old: the oldest goes first.
struct FutureHead {
  let log: PublishedLog
  let segment: LogSegment
  let newestTimestamp: Int64
  let retentionMilliseconds: Int64
}

/// Tells the operator of segments that are expired and held back by a record from the future: once
/// a day for a partition, as long as its first segment is the same.
struct FutureRecords {
  private static let repeatMilliseconds: Int64 = 86_400_000
  /// Segments that are looked at behind one, which may cost a few reads each.
  private static let segmentsMax = 256
  /// Partitions that are named in one look; of the others there is a line.
  private static let namedMax = 10

  private struct Told {
    let base: Offset
    let monotonicNanoseconds: Int64
  }

  private var told: [TopicPartition: Told] = [:]

  /// The notices of these heads, which are all that there are. Reads time indexes, on any thread.
  mutating func notices(
    of heads: [FutureHead], in directory: String, _ now: LogTime
  ) -> [LogNotice] {
    let held = Set(heads.map(\.log.partition))
    told = told.filter { held.contains($0.key) }
    var notices: [LogNotice] = []
    var unnamed = 0
    for head in heads where isDue(head, now) {
      guard let text = Self.text(head, now) else { continue }
      told[head.log.partition] = Told(
        base: head.segment.baseOffset, monotonicNanoseconds: now.monotonicNanoseconds)
      if notices.count < Self.namedMax {
        notices.append(LogNotice(path: head.segment.file.path, text))
      } else {
        unnamed += 1
      }
    }
    if unnamed > 0 {
      notices.append(
        LogNotice(
          path: directory,
          "\(unnamed) more partitions hold back expired segments behind a record from the future"))
    }
    return notices
  }

  private func isDue(_ head: FutureHead, _ now: LogTime) -> Bool {
    guard let told = told[head.log.partition], told.base == head.segment.baseOffset else {
      return true
    }
    let passed = now.monotonicNanoseconds.minus(told.monotonicNanoseconds)
    return passed / 1_000_000 >= Self.repeatMilliseconds
  }

  /// Nil where nothing behind it is expired. Looks no further than the first segment that is
  /// neither expired nor from the future.
  private static func text(_ head: FutureHead, _ now: LogTime) -> String? {
    var count = 0
    var bytes: Int64 = 0
    let behind = head.log.segments.drop { $0.baseOffset <= head.segment.baseOffset }
    for segment in behind.prefix(segmentsMax) {
      guard let newest = try? segment.newestTimestamp(), newest >= 0 else { break }
      if now.isPast(newest, by: head.retentionMilliseconds) {
        count += 1
        bytes += segment.file.end.rawValue
      } else if !now.isInFuture(newest) {
        break
      }
    }
    guard count > 0, let next = behind.first?.baseOffset else { return nil }
    let isCut = behind.count > segmentsMax ? "at least " : ""
    let leaves = head.newestTimestamp.plus(head.retentionMilliseconds)
    return "partition \(head.log.partition) holds back \(isCut)\(count) segments "
      + "(\(bytes) bytes) that are older than retention.ms=\(head.retentionMilliseconds): this one "
      + "goes first, and its newest record is from the future "
      + "(\(UTCTime.text(milliseconds: head.newestTimestamp)), \(head.newestTimestamp)), so "
      + "it stays until \(UTCTime.text(milliseconds: leaves)). Delete its records (DeleteRecords "
      + "before offset \(next)), or set retention.bytes; message.timestamp.after.max.ms refuses "
      + "such records"
  }
}

extension LogTime {
  /// True where `timestamp` lies more than `milliseconds` back.
  func isPast(_ timestamp: Int64, by milliseconds: Int64) -> Bool {
    wallMilliseconds.minus(timestamp) > milliseconds
  }

  /// True where `timestamp` lies ahead by more than clocks differ.
  func isInFuture(_ timestamp: Int64) -> Bool {
    timestamp.minus(wallMilliseconds) > RetentionClock.toleranceMilliseconds
  }
}
