import LinuxIO
import LogStorage
import Measurements
import Records

/// What consumers check and count: every batch's CRC, that offsets go on without a gap, and when each
/// record came, against the time stamped into it. Belongs to the consumer's thread.
package struct BatchIntake {
  /// One partition as its consumer sees it.
  package struct Position {
    package let partition: Int
    package var next: Offset
    /// Where the consumer began.
    package let first: Offset

    package init(
      partition: Int, next: Offset, first: Offset
    ) {
      self.partition = partition
      self.next = next
      self.first = first
    }
  }

  /// Stamps before it are of records that were there before the trial. Of those records, the ones that
  /// no generator stamped have some other bytes there: mostly times to come.
  package let start: Int64
  package private(set) var records: Int64 = 0
  package private(set) var bytes: Int64 = 0
  /// From the time at which a record was to be sent to the one at which it was here.
  package let endToEnd: IntervalTimes

  package init(start: Int64, secondsExpected: Int) {
    self.start = start
    endToEnd = IntervalTimes(secondsExpected: secondsExpected)
  }

  /// Takes in the whole batches that `source` begins with; the bytes that they have. Each must begin at
  /// the position: consumers start at a batch.
  package mutating func take(
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
package struct ConsumedOutOfOrder: Error, CustomStringConvertible {
  package let partition: Int
  package let expected: Offset
  package let found: Offset
  package var description: String {
    "a consumer of partition \(partition) expected offset \(expected) and got \(found)"
  }
}

/// Acknowledged records are missing.
package struct RecordsLost: Error, CustomStringConvertible {
  package let acknowledged: Int64
  package let found: Int64
  package let place: String

  package init(acknowledged: Int64, found: Int64, place: String) {
    self.acknowledged = acknowledged
    self.found = found
    self.place = place
  }
  package var description: String {
    "\(acknowledged) records were acknowledged and \(found) \(place)"
  }
}
