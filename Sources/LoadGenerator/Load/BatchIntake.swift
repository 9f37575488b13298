import LinuxIO
import LogStorage
import Records

/// What consumers check and count: every batch's CRC, that offsets go on without a gap, and when each
/// record came, against the time stamped into it. Belongs to the consumer's thread.
struct BatchIntake {
  /// One partition as its consumer sees it.
  struct Position {
    let partition: Int
    var next: Offset
    /// Where the consumer began.
    let first: Offset
  }

  /// Stamps before it are of records that were there before the trial. Of those records, the ones that
  /// no generator stamped have some other bytes there: mostly times to come.
  let start: Int64
  private(set) var records: Int64 = 0
  private(set) var bytes: Int64 = 0
  /// From the time at which a record was to be sent to the one at which it was here.
  let endToEnd: IntervalTimes

  init(start: Int64, secondsExpected: Int) {
    self.start = start
    endToEnd = IntervalTimes(secondsExpected: secondsExpected)
  }

  /// Takes in the whole batches that `source` begins with; the bytes that they have. Each must begin at
  /// the position: consumers start at a batch.
  mutating func take(
    _ source: RawSpan, _ position: inout Position, now: Int64
  ) throws -> Int {
    let second = Int(max(0, now - start) / 1_000_000_000)
    var done = 0
    while source.byteCount - done >= RecordBatchHeader.byteCount {
      let rest = source.extracting(droppingFirst: done)
      let header = try RecordBatchHeader(parsing: rest)
      if header.byteCountTotal > rest.byteCount { break }
      let batch = try RecordBatchView(rest)
      try batch.verifyChecksum()
      guard header.baseOffset == position.next else {
        throw ConsumedOutOfOrder(
          partition: position.partition, expected: position.next, found: header.baseOffset)
      }
      var cursor = try batch.records()
      while let record = try cursor.next() {
        if let stamp = RecordSource.stamp(of: record), stamp >= start, stamp <= now {
          endToEnd.record(now - stamp, second: second)
        }
      }
      records += Int64(header.recordCount)
      position.next = header.nextOffset
      done += header.byteCountTotal
    }
    bytes += Int64(done)
    return done
  }
}

/// A consumer met another offset than the next.
struct ConsumedOutOfOrder: Error, CustomStringConvertible {
  let partition: Int
  let expected: Offset
  let found: Offset
  var description: String {
    "a consumer of partition \(partition) expected offset \(expected) and got \(found)"
  }
}

/// Acknowledged records are missing.
struct RecordsLost: Error, CustomStringConvertible {
  let acknowledged: Int64
  let found: Int64
  let place: String
  var description: String { "\(acknowledged) records were acknowledged and \(found) \(place)" }
}
