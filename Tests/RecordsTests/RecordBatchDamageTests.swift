import LinuxIO
import Records
import Testing

@Suite struct RecordBatchDamageTests {
  private static let records = [
    Record(timestamp: 1000, key: Array("N14228".utf8), value: Array("EWR-IAH".utf8)),
    Record(
      timestamp: 990, key: nil, value: Array("LGA".utf8),
      headers: [RecordHeader(key: "source", value: nil), RecordHeader(key: "s", value: "v")]),
    Record(timestamp: 1001, key: [], value: nil),
  ]

  /// Walks everything that can be walked, to see that nothing traps.
  private func walk(_ bytes: [UInt8]) -> BatchError? {
    do throws(BatchError) {
      let batch = try RecordBatchView(bytes.span.bytes)
      var cursor = try batch.records()
      while let record = try cursor.next() { _ = Record(copying: record) }
      return nil
    } catch {
      return error
    }
  }

  @Test("a flipped bit anywhere but in what the log stamps is found, and traps nowhere")
  func everyFlippedBit() throws {
    let batch = try batchBytes(of: Self.records, baseOffset: 7)
    let stamped = Array(0..<8) + Array(12..<16)
    for bit in 0..<(8 * batch.count) {
      var damaged = batch
      damaged[bit / 8] ^= 1 << (bit % 8)
      _ = walk(damaged)
      guard stamped.contains(bit / 8) else {
        #expect(fault(in: damaged) != nil, "bit \(bit % 8) of byte \(bit / 8)")
        continue
      }
      // Not covered by the CRC: the damage shows as another offset or epoch, or no batch at all.
      guard let read = try? header(damaged) else { continue }
      let intact = try header(batch)
      let differs =
        read.baseOffset != intact.baseOffset
        || read.partitionLeaderEpoch != intact.partitionLeaderEpoch
      #expect(differs)
    }
  }

  @Test("a flipped bit under a CRC made anew never traps")
  func everyFlippedBitResealed() throws {
    let batch = try batchBytes(of: Self.records)
    for bit in (8 * RecordBatchHeader.Position.attributes)..<(8 * batch.count) {
      _ = walk(resealed(batch) { $0[bit / 8] ^= 1 << (bit % 8) })
    }
  }

  @Test("a batch with a flipped bit fails its checksum and says which")
  func checksumMismatch() throws {
    var batch = try batchBytes(of: Self.records)
    let intact = try header(batch).crc
    batch[batch.count - 1] ^= 0x80
    let view = try RecordBatchView(batch.span.bytes)
    let computed = view.computeChecksum()
    #expect(computed != intact)
    #expect(fault(in: batch) == .checksumMismatch(stored: intact, computed: computed))
  }

  @Test("a batch cut at any length is truncated")
  func everyTruncation() throws {
    let batch = try batchBytes(of: Self.records)
    for count in 0..<batch.count {
      let needed = count < RecordBatchHeader.byteCount ? RecordBatchHeader.byteCount : batch.count
      #expect(
        fault(in: Array(batch[..<count])) == .truncated(needed: needed, available: count))
    }
  }

  @Test("a batch whose records are cut at any length, under a header that agrees, is found out")
  func everyTruncationResealed() throws {
    let batch = try batchBytes(of: Self.records)
    for count in RecordBatchHeader.byteCount..<batch.count {
      let cut = resealed(Array(batch[..<count])) {
        store(Int32(count - 12), at: RecordBatchHeader.Position.batchLength, in: &$0)
      }
      guard case .malformedRecord = fault(in: cut) else {
        Issue.record("cut at \(count): \(String(describing: fault(in: cut)))")
        continue
      }
    }
  }

  @Test("random garbage never traps and is never a batch")
  func garbage() {
    var generator = SeededGenerator(seed: printedSeed())
    for _ in 0..<20_000 {
      let bytes = generator.bytes(Int.random(in: 0..<200, using: &generator))
      #expect(fault(in: bytes) != nil)
      _ = walk(bytes)
    }
  }

  @Test("random records under a well-formed header never trap")
  func garbageRecords() {
    var generator = SeededGenerator(seed: printedSeed())
    for _ in 0..<50_000 {
      // Small bytes make plausible lengths, and so go deeper.
      var body = generator.bytes(Int.random(in: 0..<60, using: &generator))
      if Bool.random(using: &generator) { body = body.map { $0 & 0x1f } }
      let count = Int32.random(in: 0..<5, using: &generator)
      _ = walk(handmadeBatch(body: body, recordCount: count))
    }
  }

  @Test("damage in many places of a larger batch never traps")
  func manyDamages() throws {
    var generator = SeededGenerator(seed: printedSeed())
    let records = (0..<20).flatMap { _ in Self.records }
    let batch = try batchBytes(of: records)
    for _ in 0..<5000 {
      let damaged = resealed(batch) { bytes in
        for _ in 0..<Int.random(in: 1..<6, using: &generator) {
          let position = Int.random(in: 61..<bytes.count, using: &generator)
          bytes[position] = UInt8(truncatingIfNeeded: generator.next())
        }
      }
      _ = walk(damaged)
    }
  }
}
