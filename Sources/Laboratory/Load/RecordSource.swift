import EventFiles
import Glibc
import LinuxIO
import Records
import Suites

/// The records that a producer sends, each with the time stamped into it at which it was to be sent.
///
/// A synthetic record has no key, and a value of random bytes that begins with the stamp: nanoseconds
/// of the monotonic clock, 8 bytes, big-endian. A record of a file keeps its key, value and headers, and
/// has the stamp in one more header, `varve-sent`, in front of them.
package final class RecordSource {
  /// Bytes of a stamp, and so of the least synthetic value.
  package static let stampBytes = 8
  package static let stampHeader = "varve-sent"

  /// A record of a file, its headers encoded behind the stamp's.
  package struct Stored: Sendable {
    let key: [UInt8]?
    let value: [UInt8]?
    let headers: [UInt8]
    let headerCount: Int
  }

  private static let headerKey = Array(stampHeader.utf8)
  /// The stamp's place in the encoded headers: behind a length of one byte, the name, and another.
  private static let stampPosition = headerKey.count + 2
  /// What a record costs beside key, value and headers: never more.
  private static let overheadBytes = 40
  /// The sizes repeat after so many records.
  private static let sizeCount = 8192

  /// The bytes that the next record takes from here, stamp and all.
  private var scratch: AlignedBuffer
  private var sizes: [Int]
  private var next = 0
  private let stored: [Stored]

  /// Synthetic records whose values have `recordBytes` on average.
  package init(recordBytes: Int, kind: RecordSizeKind, bytesMax: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = max(Self.stampBytes, min(bytesMax, 16 << 20))
    let count = kind == .fixed ? 1 : Self.sizeCount
    sizes = (0..<count).map { _ in
      let size = Self.size(kind, Double(recordBytes), &random)
      return Int(min(max(size, Double(Self.stampBytes)), Double(limit)))
    }
    scratch = Self.filled(sizes.max() ?? Self.stampBytes, &random)
    stored = []
  }

  /// The records of a file, again and again, from one that `seed` chooses.
  package init(_ stored: [Stored], seed: UInt64) {
    self.stored = stored
    var random = SeededGenerator(seed: seed)
    scratch = Self.filled(stored.map(\.headers.count).max() ?? 1, &random)
    sizes = stored.map {
      ($0.key?.count ?? 0) + ($0.value?.count ?? 0) + $0.headers.count
    }
    if !stored.isEmpty { next = Int(seed % UInt64(stored.count)) }
  }

  /// Reads all events of a file.
  package static func events(path: String) throws -> [Stored] {
    var reader = try EventReader(path: path)
    var all: [Stored] = []
    let stamp = [UInt8](repeating: 0, count: stampBytes)
    while try reader.next() {
      var headers = EncodedHeaders()
      headers.append(key: headerKey.span.bytes, value: stamp.span.bytes)
      for index in 0..<reader.headerCount {
        headers.append(key: reader.headerName(index), value: reader.headerValue(index))
      }
      all.append(
        Stored(
          key: copy(reader.key), value: copy(reader.value),
          headers: copy(headers.bytes) ?? [], headerCount: headers.count))
    }
    return all
  }

  /// At most so many bytes will the next record take in a batch.
  package var nextByteCountMax: Int { sizes[next] + Self.overheadBytes }

  /// The bytes of the smallest record, for who counts how many fit into a batch.
  package var smallestByteCount: Int { (sizes.min() ?? Self.stampBytes) + 7 }

  /// Appends the next record, stamped. Does not allocate while the batch's buffer has room.
  package func append(
    to builder: inout RecordBatchBuilder, stamp: Int64, timestamp: Int64
  ) throws(BatchError) {
    if stored.isEmpty {
      let size = sizes[next]
      try scratch.withMutableBytes { (bytes) throws(BatchError) in
        bytes.storeBytes(of: stamp.bigEndian, toByteOffset: 0, as: Int64.self)
        try builder.append(
          timestamp: timestamp, key: nil, value: bytes.bytes.extracting(first: size))
      }
    } else {
      try append(stored[next], to: &builder, stamp, timestamp)
    }
    next = next + 1 == sizes.count ? 0 : next + 1
  }

  /// The stamp of a record that some source made; nil where it has none.
  package static func stamp(of record: borrowing RecordView) -> Int64? {
    if record.headerCount > 0 {
      var headers = record.headers
      if let first = headers.next(), first.key.byteCount == headerKey.count,
        let value = first.value
      {
        return stamp(in: value)
      }
    }
    guard let value = record.value else { return nil }
    return stamp(in: value)
  }

  private func append(
    _ record: Stored, to builder: inout RecordBatchBuilder, _ stamp: Int64, _ timestamp: Int64
  ) throws(BatchError) {
    let count = record.headers.count
    try scratch.withMutableBytes { (bytes) throws(BatchError) in
      bytes.withUnsafeMutableBytes { $0.copyBytes(from: record.headers) }
      bytes.storeBytes(of: stamp.bigEndian, toByteOffset: Self.stampPosition, as: Int64.self)
      try builder.append(
        timestamp: timestamp, key: record.key?.span.bytes, value: record.value?.span.bytes,
        encodedHeaders: bytes.bytes.extracting(first: count), headerCount: record.headerCount)
    }
  }

  private static func filled(_ count: Int, _ random: inout SeededGenerator) -> AlignedBuffer {
    var buffer = AlignedBuffer(capacity: count)
    buffer.resize(to: max(count, 1))
    var span = buffer.mutableBytes
    span.withUnsafeMutableBytes {
      for index in $0.indices { $0[index] = UInt8(truncatingIfNeeded: random.next()) }
    }
    return buffer
  }

  private static func stamp(in bytes: RawSpan) -> Int64? {
    guard bytes.byteCount >= stampBytes else { return nil }
    return Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: Int64.self))
  }

  private static func size(
    _ kind: RecordSizeKind, _ mean: Double, _ random: inout SeededGenerator
  ) -> Double {
    switch kind {
    case .fixed: return mean
    case .uniform: return 2 * mean * random.fraction()
    case .lognormal:
      // Box and Muller; exp(mu + 1/2) is the mean where sigma is 1.
      let radius = sqrt(-2 * log(1 - random.fraction()))
      let normal = radius * cos(2 * .pi * random.fraction())
      return mean * exp(normal - 0.5)
    }
  }

  private static func copy(_ bytes: RawSpan?) -> [UInt8]? {
    bytes?.withUnsafeBytes { Array($0) }
  }
}
