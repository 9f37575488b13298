import CommitLog
import EventFiles
import LinuxIO
import Records

/// Batches built before a trial and appended again and again, so that a trial measures the log and
/// not the building of records. Shared by the trials of a suite, which run one after another.
package final class PreparedBatches {
  /// A batch whose buffer goes to the log and comes back.
  package final class Batch {
    package var buffer: AlignedBuffer?
    package let recordCount: Int64
    package let byteCount: Int64

    init(_ buffer: consuming AlignedBuffer, recordCount: Int) {
      byteCount = Int64(buffer.count)
      self.buffer = .some(buffer)
      self.recordCount = Int64(recordCount)
    }
  }

  package private(set) var batches: [Batch] = []

  /// Batches of exactly `batchBytes`, of records of about `recordBytes` whose values are random
  /// bytes, which no device or file system makes smaller. The last record fills up the batch.
  package static func synthetic(
    recordBytes: Int, batchBytes: Int, count: Int = 4
  ) throws(BatchError) -> PreparedBatches {
    let prepared = PreparedBatches()
    var random = SeededGenerator(seed: 1)
    let noise = (0..<max(recordBytes, 1024)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    // Some batches more than one, so that what is appended is not all the same.
    for _ in 0..<max(1, count) {
      prepared.batches.append(try syntheticBatch(recordBytes, batchBytes, noise))
    }
    return prepared
  }

  /// Batches of up to `batchBytes` of the events of a file, in order, keys and headers and all.
  package static func events(path: String, batchBytes: Int) throws -> PreparedBatches {
    let prepared = PreparedBatches()
    var reader = try EventReader(path: path)
    var encoder = EventEncoder()
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: batchBytes + 4096))
    while try reader.next() {
      if !builder.isEmpty && encoder.byteCount(in: builder, reader) > batchBytes {
        let count = builder.recordCount
        prepared.batches.append(Batch(builder.finish(baseOffset: .zero), recordCount: count))
        builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: batchBytes + 4096))
      }
      try encoder.append(reader, to: &builder)
    }
    if !builder.isEmpty {
      let count = builder.recordCount
      prepared.batches.append(Batch(builder.finish(baseOffset: .zero), recordCount: count))
    }
    guard !prepared.batches.isEmpty else { throw TrialSkipped("\(path) holds no events") }
    return prepared
  }

  private static func syntheticBatch(
    _ recordBytes: Int, _ batchBytes: Int, _ noise: [UInt8]
  ) throws(BatchError) -> Batch {
    var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: batchBytes + 4096))
    // What a record costs beside its value: at most this, whatever its number.
    let overhead = 24
    let valueBytes = max(1, recordBytes - 10)
    while builder.byteCount + 2 * (valueBytes + overhead) <= batchBytes {
      try builder.append(timestamp: 0, key: nil, value: noise.span.bytes.extracting(0..<valueBytes))
    }
    // The rest in one record, sized so that the whole comes out to the byte where that is possible
    // (a length that needs one more byte of varint can leave a gap of one).
    var last = max(1, batchBytes - builder.byteCount)
    var total = Int.max
    while last > 1 && total > batchBytes {
      last -= 1
      total = builder.byteCount(appending: RecordSizes(key: nil, value: last), timestamp: 0)
    }
    let filler = [UInt8](unsafeUninitializedCapacity: last) { target, count in
      for index in 0..<last { target[index] = noise[index % noise.count] }
      count = last
    }
    try builder.append(timestamp: 0, key: nil, value: filler.span.bytes)
    let count = builder.recordCount
    return Batch(builder.finish(baseOffset: .zero), recordCount: count)
  }
}
