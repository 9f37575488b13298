import Histogram
import LinuxIO
import Load
import LogStorage
import Measurements
import Records
import Suites
import TestSupport
import Testing

struct BatchIntakeTests {
  private static let start: Int64 = 1_000_000_000_000

  private func batch(_ base: Int64, count: Int = 3, stamp: Int64? = nil) throws -> [UInt8] {
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: 4096))
    let source = RecordSource(recordBytes: 50, kind: .fixed, bytesMax: 100, seed: 1)
    for number in 0..<count {
      try source.append(
        to: &builder, stamp: (stamp ?? Self.start) + Int64(number) * 1000, timestamp: 5)
    }
    let buffer = builder.finish(baseOffset: Offset(base))
    return buffer.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } }
  }

  private func position(_ next: Int64) -> BatchIntake.Position {
    let offset = Offset(next)
    return BatchIntake.Position(partition: 7, next: offset, first: offset)
  }

  /// Takes bytes in, and says what is thrown.
  private func complaint(_ bytes: [UInt8], from next: Int64 = 0) -> (any Error)? {
    var intake = BatchIntake(start: Self.start, secondsExpected: 1)
    var position = position(next)
    do { _ = try intake.take(bytes.span.bytes, &position, now: Self.start) } catch { return error }
    return nil
  }

  @Test func `whole batches are taken, and the rest waits`() throws {
    let bytes = try batch(0) + batch(3, count: 2) + batch(5)
    for count in 0...bytes.count {
      var intake = BatchIntake(start: Self.start, secondsExpected: 1)
      var position = position(0)
      let first = try intake.take(
        Array(bytes[..<count]).span.bytes, &position, now: Self.start + 10_000)
      let second = try intake.take(
        Array(bytes[first...]).span.bytes, &position, now: Self.start + 10_000)
      #expect(first + second == bytes.count && intake.bytes == Int64(bytes.count))
      #expect(intake.records == 8 && position.next == Offset(8))
      #expect(intake.endToEnd.total.totalCount == 8)
    }
  }

  @Test func `a record's time is from its stamp to the moment at which it was there`() throws {
    var intake = BatchIntake(start: Self.start, secondsExpected: 1)
    var position = position(0)
    let bytes = try batch(0, stamp: Self.start + 500_000)
    _ = try intake.take(bytes.span.bytes, &position, now: Self.start + 2_000_500_000)
    let total = intake.endToEnd.total
    // Stamped a microsecond apart, which is less than what a histogram tells of two seconds.
    #expect(total.totalCount == 3 && total.valuesAreEquivalent(total.max, 2_000_000_000))
    // It came in the third second.
    #expect(intake.endToEnd.seconds.map(\.totalCount) == [0, 0, 3])
  }

  @Test func `stamps before the trial, or of times to come, are no stamps`() throws {
    var intake = BatchIntake(start: Self.start, secondsExpected: 1)
    var position = position(0)
    let bytes =
      try batch(0, stamp: Self.start - 1_000_000) + batch(3, stamp: .min)
      + batch(6, stamp: Self.start + 1_000_000_000) + batch(9, stamp: .max - 5000)
      + batch(12, count: 1, stamp: Self.start)
    _ = try intake.take(bytes.span.bytes, &position, now: Self.start + 5000)
    #expect(intake.records == 13)
    #expect(intake.endToEnd.total.totalCount == 1)
    #expect(intake.endToEnd.total.maxRecorded == 5000)
  }

  @Test func `a gap is an error that says what was expected`() throws {
    let bytes = try batch(0) + batch(4)
    let error = try #require(complaint(bytes) as? ConsumedOutOfOrder)
    #expect(error.partition == 7 && error.expected == Offset(3))
    #expect(error.found == Offset(4))
    #expect("\(error)" == "a consumer of partition 7 expected offset 3 and got 4")
  }

  @Test func `a batch that comes twice is an error, as is one that comes too late`() throws {
    let twice = try batch(0) + batch(0)
    #expect((complaint(twice) as? ConsumedOutOfOrder)?.found == Offset(0))
    let swapped = try batch(3) + batch(0)
    #expect((complaint(swapped, from: 3) as? ConsumedOutOfOrder)?.expected == Offset(6))
    let early = try batch(2)
    #expect(complaint(early, from: 3) is ConsumedOutOfOrder)
  }

  @Test func `what came before an error is counted`() throws {
    var intake = BatchIntake(start: Self.start, secondsExpected: 1)
    var position = position(0)
    let bytes = try batch(0) + batch(4)
    #expect(throws: ConsumedOutOfOrder.self) {
      try intake.take(bytes.span.bytes, &position, now: Self.start)
    }
    #expect(intake.records == 3 && position.next == Offset(3))
  }

  /// Offset and leader epoch are not covered by the CRC: a wrong offset is found by itself.
  @Test func `any flipped bit that the CRC covers is found`() throws {
    let bytes = try batch(0)
    var random = SeededGenerator(seed: 71)
    for bit in 0..<(bytes.count * 8) {
      // Of the first eight bytes each, of the rest every fifth or so.
      guard bit < 64 || random.chance(0.2) else { continue }
      var damaged = bytes
      damaged[bit / 8] ^= 1 << (bit % 8)
      var intake = BatchIntake(start: Self.start, secondsExpected: 1)
      var position = position(0)
      do {
        let done = try intake.take(damaged.span.bytes, &position, now: Self.start)
        // Bytes 8 to 11 are the length: a greater one waits for more. 12 to 15 are the epoch.
        #expect((8..<16).contains(bit / 8), "bit \(bit)")
        #expect((12..<16).contains(bit / 8) || done == 0, "bit \(bit)")
      } catch {
        #expect(!(12..<16).contains(bit / 8), "bit \(bit): \(error)")
      }
    }
  }
}
