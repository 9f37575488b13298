import LinuxIO
import Records
import Testing

@Suite struct RecordBatchHeaderTests {
  private let intact = handmadeBatch(body: [12, 0, 0, 0, 1, 1, 0])

  private func faultWith(_ change: (inout [UInt8]) -> Void) -> BatchError? {
    fault(in: resealed(intact, change))
  }

  @Test("the unchanged batch holds")
  func unchanged() { #expect(fault(in: intact) == nil) }

  @Test("another magic is named")
  func magic() {
    for magic: Int8 in [0, 1, 3, -1] {
      #expect(faultWith { store(magic, at: 16, in: &$0) } == .unsupportedMagic(magic))
    }
    // A message of an older format may be shorter than this format's header.
    #expect(fault(in: Array(repeating: 0, count: 26)) == .unsupportedMagic(0))
    #expect("\(BatchError.unsupportedMagic(1))" == "byte 16, the magic: found 1, expected 2")
  }

  @Test("lengths without room for a header, or past the format's limit, are refused")
  func lengths() {
    for length: Int32 in [0, -1, Int32.min, 48, Int32.max, Int32.max - 11] {
      #expect(faultWith { store(length, at: 8, in: &$0) } == .lengthOutOfRange(length))
    }
    #expect(
      faultWith { store(Int32.max - 12, at: 8, in: &$0) }
        == .truncated(needed: Int(Int32.max), available: intact.count))
  }

  @Test("offsets that are negative or run past the last are refused")
  func offsets() {
    for base: Int64 in [-1, Int64.min] {
      #expect(
        faultWith { store(base, at: 0, in: &$0) }
          == .offsetOutOfRange(base: base, lastOffsetDelta: 0))
    }
    let past = faultWith {
      store(Int64.max, at: 0, in: &$0)
      store(Int32(1), at: 23, in: &$0)
    }
    #expect(past == .offsetOutOfRange(base: Int64.max, lastOffsetDelta: 1))
    #expect(faultWith { store(Int64.max, at: 0, in: &$0) } == nil)
    #expect(faultWith { store(Int32(-1), at: 23, in: &$0) } == .negativeLastOffsetDelta(-1))
  }

  @Test("more records than offsets, or fewer than none, are refused")
  func recordCounts() {
    for count: Int32 in [-1, 2, Int32.max, Int32.min] {
      #expect(
        faultWith { store(count, at: 57, in: &$0) }
          == .recordCountOutOfRange(count, lastOffsetDelta: 0))
    }
    let full = handmadeBatch(body: [], recordCount: 0) {
      $0.lastOffsetDelta = Int32.max
      $0.recordCount = Int32.max
    }
    #expect(throws: Never.self) { try header(full) }
  }

  @Test("attribute bits and codecs that are not known are refused")
  func attributes() {
    for codec: UInt16 in 5...7 {
      #expect(
        faultWith { store(codec, at: 21, in: &$0) } == .unknownCompression(UInt8(codec)))
    }
    for bit: UInt16 in 7...15 {
      let raw = UInt16(1) << bit
      #expect(faultWith { store(raw, at: 21, in: &$0) } == .unknownAttributes(raw))
    }
    for raw: UInt16 in 0..<128 where raw & 7 <= 4 {
      #expect(BatchAttributes(rawValue: raw)?.rawValue == raw)
    }
  }

  @Test("records of a compressed batch are not opened, and its CRC is still checked")
  func compressed() throws {
    for codec in CompressionCodec.allCases where codec != .none {
      let batch = handmadeBatch(body: [1, 2, 3]) {
        $0.attributes = BatchAttributes(compression: codec)
      }
      #expect(fault(in: batch) == nil)
      #expect(throws: BatchError.compressed(codec)) { try readRecords(batch.span.bytes) }
      var damaged = batch
      damaged[62] ^= 1
      #expect(fault(in: damaged) != nil)
    }
  }

  @Test("the last sequence number goes on from 0 after the greatest")
  func lastSequence() throws {
    for (base, delta, last) in [
      (0, 4, 4), (Int32.max, 0, Int32.max), (Int32.max, 1, 0), (Int32.max - 1, 5, 3), (-1, 5, -1),
    ] as [(Int32, Int32, Int32)] {
      let batch = handmadeBatch(body: [], recordCount: 0) {
        $0.baseSequence = base
        $0.lastOffsetDelta = delta
      }
      #expect(try header(batch).lastSequence == last)
    }
  }
}
