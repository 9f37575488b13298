import LinuxIO
import LogStorage
import Records
import SimulatedStorage

extension AlignedBuffer {
  /// A buffer with these bytes, placed as a backend asked for.
  package static func holding(_ bytes: [UInt8], shiftedBy shift: Int = 0) -> AlignedBuffer {
    var buffer = AlignedBuffer(capacity: bytes.count)
    buffer.clear(shiftedBy: shift)
    buffer.append(bytes.span.bytes)
    return buffer
  }
}

extension SeededGenerator {
  package mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}

extension LogSlice {
  /// All of the slice, copied.
  package func allBytes() throws(StorageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    let got = try read(into: &raw)
    bytes.removeLast(bytes.count - got)
    return bytes
  }
}

/// Batches whose records say which they are, so that a test can tell what survived.
package enum TestBatch {
  /// A batch of `count` records with values of `valueBytes` bytes that begin with their number,
  /// counted from `first`.
  package static func make(
    first: Int, count: Int = 1, valueBytes: Int = 100, timestamp: Int64 = 1_000,
    shiftedBy shift: Int = 0
  ) -> AlignedBuffer {
    var builder = RecordBatchBuilder(
      buffer: AlignedBuffer(capacity: count * (valueBytes + 40) + 100), shiftedBy: shift)
    for number in first..<(first + count) {
      let value = value(number, bytes: valueBytes)
      do {
        try builder.append(
          timestamp: timestamp + Int64(number - first), key: nil, value: value.span.bytes)
      } catch { preconditionFailure("\(error)") }
    }
    return builder.finish(baseOffset: .zero)
  }

  package static func value(_ number: Int, bytes: Int) -> [UInt8] {
    var value = Array("\(number):".utf8)
    while value.count < bytes {
      value.append(UInt8(truncatingIfNeeded: value.count &* 7 &+ number))
    }
    return value
  }

  /// The number that a value of `make` begins with.
  package static func number(of value: [UInt8]) -> Int? {
    Int(String(decoding: value.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self))
  }
}
