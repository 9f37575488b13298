import Records

/// CRC-32C and CRC-32, a byte at a time: not the product's code.
struct PlainCRC {
  private let table: [UInt32]

  static let castagnoli = PlainCRC(polynomial: 0x82F6_3B78)
  static let gzip = PlainCRC(polynomial: 0xEDB8_8320)

  private init(polynomial: UInt32) {
    table = (0..<256).map { index in
      (0..<8).reduce(UInt32(index)) { value, _ in
        value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1
      }
    }
  }

  func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { value, byte in
      table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8
    }
  }
}

/// One batch of a segment, as a plain walk over all of its bytes finds it.
struct PlainBatch: Equatable {
  let position: Int
  let header: RecordBatchHeader
  var end: Int { position + header.byteCountTotal }
}

/// What a segment holds, found the slow way.
struct PlainSegment {
  /// From the front: each whole, with its CRC, going on where the one before ended.
  private(set) var batches: [PlainBatch] = []
  /// Where the last of them ends.
  private(set) var end = 0
  private(set) var nextOffset: Int64

  init(_ bytes: [UInt8], base: Int64) {
    nextOffset = base
    // A last offset that is the greatest there is leaves none for what follows: no log has it.
    while let batch = Self.batch(in: bytes, at: end),
      batch.header.baseOffset.rawValue == nextOffset, batch.header.nextOffset > .zero
    {
      batches.append(batch)
      end = batch.end
      nextOffset = batch.header.nextOffset.rawValue
    }
  }

  /// The whole batch with a valid CRC at `position`.
  static func batch(in bytes: [UInt8], at position: Int) -> PlainBatch? {
    guard position >= 0, bytes.count - position >= RecordBatchHeader.byteCount,
      bytes[position + RecordBatchHeader.Position.magic] == 2,
      let header = try? RecordBatchHeader(
        parsing: bytes.span.bytes.extracting(droppingFirst: position)),
      header.byteCountTotal <= bytes.count - position
    else { return nil }
    let covered = position + RecordBatchHeader.Position.attributes
    let crc = PlainCRC.castagnoli.checksum(bytes[covered..<(position + header.byteCountTotal)])
    return crc == header.crc ? PlainBatch(position: position, header: header) : nil
  }

  /// True where a whole batch of this offset or a later one lies anywhere in the bytes; not so much
  /// later that no log would have come to it.
  static func holdsIntactBatch(_ bytes: [UInt8], from base: Int64) -> Bool {
    guard bytes.count >= RecordBatchHeader.byteCount else { return false }
    return (0...(bytes.count - RecordBatchHeader.byteCount)).contains { position in
      guard let found = batch(in: bytes, at: position)?.header.baseOffset.rawValue else {
        return false
      }
      return found >= base && found - base < 1 << 40
    }
  }
}
