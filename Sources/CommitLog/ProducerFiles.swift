import LinuxIO
import Records

/// The files in which a partition's producers are written down, the newest two of them.
///
/// Not Kafka's `.snapshot`: that keeps one batch of each producer, so that after a restart a producer that
/// sends its last five again would be refused instead of being told where they are.
///
/// ```
///   <20 digits of the next offset>.producers          all integers big-endian
///   byte
///    0  magic             8 bytes  "VRVPRDCR"
///    8  version           uint32   1
///   12  producers         uint32
///   16  next offset       int64    as in the name: everything below is in here
///   24  CRC-32C           uint32   of all other bytes, in order
///   28  producers, by the offset of their last batch:
///         producer id     int64
///         epoch           int16
///         batches         uint8    1 to 5, oldest first:
///           first sequence      int32
///           last offset delta   int32
///           base offset         int64
///           newest timestamp    int64
/// ```
struct ProducerFiles {
  private static let magic = Array("VRVPRDCR".utf8)
  private static let version: UInt32 = 1
  private static let headerBytes = 28
  private static let checksumAt = 24
  private static let producerBytes = 11
  private static let batchBytes = 24
  private static let keptCount = 2

  let io: any FileIO
  let directory: String
  let notices: LogNotices

  // MARK: - Files

  /// The newest file that holds, and whose offset lies in the log; nil where there is none. Removes files
  /// above `end`, whose batches the log lost; where that fails, a notice says so.
  func newest(
    from start: Offset, to end: Offset
  ) throws(LogError) -> (table: ProducerTable, next: Offset)? {
    do throws(SystemCallError) {
      for next in try offsets() {
        let path = path(next)
        if next > end {
          do { try io.remove(path) } catch {
            notices.post(LogNotice(path: path, "lies above the log's end, and stays: \(error)"))
          }
        } else if next >= start {
          let bytes = try io.readFile(at: path) ?? []
          if let table = Self.parse(bytes, next) { return (table, next) }
          notices.post(LogNotice(path: path, "does not hold; producers are looked for elsewhere"))
        }
      }
      return nil
    } catch { throw .system(error) }
  }

  /// Writes a file, durably, and removes all but the newest two.
  func write(_ table: ProducerTable, next: Offset) throws(LogError) {
    do throws(SystemCallError) {
      try io.replaceFile(at: path(next), with: Self.bytes(table, next).span.bytes)
      for old in try offsets().dropFirst(Self.keptCount) { try io.remove(path(old)) }
    } catch { throw .system(error) }
  }

  private func path(_ next: Offset) -> String { "\(directory)/\(SegmentNames.producers(next))" }

  /// Newest first.
  private func offsets() throws(SystemCallError) -> [Offset] {
    try io.list(directory).filter { !$0.isDirectory }
      .compactMap { SegmentNames.baseOffset(of: $0.name, suffix: SegmentNames.producersSuffix) }
      .sorted(by: >)
  }

  // MARK: - Format

  static func bytes(_ table: ProducerTable, _ next: Offset) -> [UInt8] {
    var bytes = magic
    bytes.appendBigEndian(version)
    bytes.appendBigEndian(UInt32(truncatingIfNeeded: table.entries.count))
    bytes.appendBigEndian(next.rawValue)
    bytes.appendBigEndian(UInt32(0))
    for (id, entry) in table.inOrder {
      bytes.appendBigEndian(id)
      bytes.appendBigEndian(entry.epoch)
      bytes.append(UInt8(truncatingIfNeeded: entry.batches.count))
      for batch in entry.batches {
        bytes.appendBigEndian(batch.firstSequence)
        bytes.appendBigEndian(batch.lastOffsetDelta)
        bytes.appendBigEndian(batch.baseOffset.rawValue)
        bytes.appendBigEndian(batch.timestamp)
      }
    }
    let crc = checksum(bytes)
    for index in 0..<4 {
      bytes[checksumAt + index] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * index))
    }
    return bytes
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let span = bytes.span.bytes
    let first = CRC32C.checksum(span.extracting(0..<checksumAt))
    return CRC32C.checksum(span.extracting(headerBytes..<bytes.count), continuing: first)
  }

  /// Nil where the bytes are no such file, or not this offset's.
  static func parse(_ bytes: [UInt8], _ next: Offset) -> ProducerTable? {
    guard bytes.count >= headerBytes, bytes.starts(with: magic),
      bytes.bigEndian(at: 8, count: 4) == UInt64(version),
      Int64(bitPattern: bytes.bigEndian(at: 16, count: 8)) == next.rawValue,
      bytes.bigEndian(at: checksumAt, count: 4) == UInt64(checksum(bytes))
    else { return nil }
    let count = bytes.bigEndian(at: 12, count: 4)
    guard count <= UInt64(ProducerLedger.producersMax) else { return nil }
    var table = ProducerTable()
    var position = headerBytes
    for _ in 0..<count {
      guard let (id, entry) = entry(bytes, &position, below: next) else { return nil }
      table.insert(id, entry)
    }
    return position == bytes.count && table.entries.count == Int(count) ? table : nil
  }

  private static func entry(
    _ bytes: [UInt8], _ position: inout Int, below next: Offset
  ) -> (Int64, ProducerEntry)? {
    guard bytes.count - position >= producerBytes else { return nil }
    let id = Int64(bitPattern: bytes.bigEndian(at: position, count: 8))
    let epoch = Int16(truncatingIfNeeded: bytes.bigEndian(at: position + 8, count: 2))
    let count = Int(bytes[position + 10])
    position += producerBytes
    guard id >= 0, (1...ProducerEntry.batchesMax).contains(count),
      bytes.count - position >= count * batchBytes
    else { return nil }
    var entry = ProducerEntry(epoch: epoch, batches: [])
    for _ in 0..<count {
      guard let batch = batch(bytes, at: position), batch.lastOffset < next else { return nil }
      entry.batches.append(batch)
      position += batchBytes
    }
    return (id, entry)
  }

  private static func batch(_ bytes: [UInt8], at position: Int) -> ProducerBatch? {
    let batch = ProducerBatch(
      firstSequence: Int32(truncatingIfNeeded: bytes.bigEndian(at: position, count: 4)),
      lastOffsetDelta: Int32(truncatingIfNeeded: bytes.bigEndian(at: position + 4, count: 4)),
      baseOffset: Offset(Int64(bitPattern: bytes.bigEndian(at: position + 8, count: 8))),
      timestamp: Int64(bitPattern: bytes.bigEndian(at: position + 16, count: 8)))
    // An offset that wraps would lie below the first one.
    let isSound =
      batch.firstSequence >= 0 && batch.lastOffsetDelta >= 0 && batch.baseOffset >= .zero
      && batch.lastOffset >= batch.baseOffset
    return isSound ? batch : nil
  }
}
