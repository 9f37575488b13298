import LinuxIO
import Records

/// Batches whose records carry numbers, so that whatever is found in a log can be told.
package enum NumberedBatch {
  /// What a batch is known by wherever it turns up.
  package struct Identity: Hashable, Sendable {
    package let firstNumber: Int
    package let recordCount: Int
    package let byteCount: Int
    /// Of everything but the base offset, the length and the leader epoch, so offsets do not change it.
    package let crc: UInt32
    package let timestamps: [Int64]

    package init(
      firstNumber: Int, recordCount: Int, byteCount: Int, crc: UInt32, timestamps: [Int64]
    ) {
      self.firstNumber = firstNumber
      self.recordCount = recordCount
      self.byteCount = byteCount
      self.crc = crc
      self.timestamps = timestamps
    }

    package var maxTimestamp: Int64 { timestamps.max() ?? 0 }
  }

  /// Builds a batch, and adds it to `buffer`.
  package static func add(
    to buffer: inout AlignedBuffer, firstNumber: Int, _ shape: HistoryStep.BatchShape, now: Int64
  ) throws(BatchError) -> Identity {
    let capacity = shape.recordCount * (shape.valueBytes + 64) + RecordBatchHeader.byteCount
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: capacity))
    var timestamps: [Int64] = []
    for number in firstNumber..<(firstNumber + shape.recordCount) {
      // Not in order within the batch, as producers' clocks are not.
      let timestamp = now - shape.ageMilliseconds + Int64(number % 3)
      let value = value(number, byteCount: shape.valueBytes)
      try builder.append(timestamp: timestamp, key: nil, value: value.span.bytes)
      timestamps.append(timestamp)
    }
    let batch = builder.finish(baseOffset: .zero)
    let header = try RecordBatchHeader(parsing: batch.bytes)
    buffer.append(batch.bytes)
    return Identity(
      firstNumber: firstNumber, recordCount: shape.recordCount, byteCount: header.byteCountTotal,
      crc: header.crc, timestamps: timestamps)
  }

  /// Begins with the number, so that no two values are alike, whatever their size.
  private static func value(_ number: Int, byteCount: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: max(8, byteCount)) { target, count in
      withUnsafeBytes(of: UInt64(number).bigEndian) {
        UnsafeMutableRawBufferPointer(target).copyMemory(from: $0)
      }
      for index in 8..<max(8, byteCount) {
        target[index] = UInt8(truncatingIfNeeded: index &* 31 &+ number)
      }
      count = max(8, byteCount)
    }
  }
}
