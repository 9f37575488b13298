import CommitLog
import LinuxIO
import LogStorage
import Records

/// Appends a file's events to a topic: keyed ones where Kafka's partitioner puts them, keyless ones
/// round-robin from partition 0. Batches are cut by count and bytes, never by time, so the same file
/// leaves the same log.
package final class LogImporter {
  package struct Options: Hashable, Sendable {
    package var batchBytes = 64 << 10
    package var batchRecords = 1000
    /// Under `group`, batches that wait for one commit.
    package var batchesPerCommit = 16

    package init() {}
  }

  package private(set) var recordCount: Int64 = 0
  package private(set) var byteCount: Int64 = 0

  private let directory: LogDirectory
  private let options: Options
  private var partitioner: Partitioner
  private var writers: [PartitionWriter] = []
  private var batchesSinceCommit = 0
  private var encoder = EventEncoder()

  /// The builder of one partition's next batch, and the buffer that goes back and forth.
  private final class PartitionWriter {
    let log: PartitionLog
    var builder: RecordBatchBuilder?
    var slot: AlignedBuffer?
    var lastReceipt: AppendReceipt?

    init(_ log: PartitionLog) { self.log = log }
  }

  package init(
    _ directory: LogDirectory, topic: Topic, options: Options = Options()
  ) throws(LogError) {
    self.directory = directory
    self.options = options
    partitioner = Partitioner(partitionCount: topic.partitionCount)
    for partition in topic.partitions {
      writers.append(PartitionWriter(try directory.log(partition)))
    }
  }

  /// Appends every event that is left; on return they are acknowledged. `progress` is told the
  /// count now and then, and ends the import early by returning false.
  package func run(_ events: inout EventReader, progress: (Int64) -> Bool = { _ in true }) throws {
    while try events.next() {
      try add(events)
      if recordCount % 10_000 == 0 && !progress(recordCount) { break }
    }
    try finish()
  }

  private func add(_ event: borrowing EventReader) throws {
    let number = Int(partitioner.partition(for: event.key))
    let writer = writers[number]
    var builder = writer.builder.take() ?? newBuilder(writer)
    let isFull =
      !builder.isEmpty
      && (builder.recordCount >= options.batchRecords
        || encoder.byteCount(in: builder, event) > options.batchBytes)
    if isFull {
      try append(builder.finish(baseOffset: .zero), to: writer)
      builder = newBuilder(writer)
    }
    try encoder.append(event, to: &builder)
    writer.builder = .some(builder)
    recordCount += 1
  }

  private func newBuilder(_ writer: PartitionWriter) -> RecordBatchBuilder {
    let buffer =
      writer.slot.take() ?? writer.log.takeFinishedBuffer()
      ?? AlignedBuffer(capacity: options.batchBytes + AlignedBuffer.alignment)
    return RecordBatchBuilder(buffer: buffer, shiftedBy: writer.log.placement)
  }

  private func append(_ batch: consuming AlignedBuffer, to writer: PartitionWriter) throws {
    byteCount += Int64(batch.count)
    writer.slot = .some(batch)
    let now = LogTime(
      monotonicNanoseconds: MonotonicClock.nanoseconds(),
      wallMilliseconds: WallClock.milliseconds())
    writer.lastReceipt = try writer.log.append(&writer.slot, now: now)
    try writer.log.tick(now)
    batchesSinceCommit += 1
    if batchesSinceCommit >= options.batchesPerCommit {
      try directory.commit()
      batchesSinceCommit = 0
    }
  }

  /// Appends what the builders still hold, and waits for every acknowledgement.
  private func finish() throws {
    for writer in writers {
      if let builder = writer.builder.take() {
        if builder.isEmpty { continue }
        try append(builder.finish(baseOffset: .zero), to: writer)
      }
    }
    try directory.commit()
    for writer in writers {
      guard let receipt = writer.lastReceipt else { continue }
      while true {
        switch writer.log.status(of: receipt) {
        case .acknowledged: break
        case .failed(let error): throw error
        case .pending:
          try directory.poll()
          continue
        }
        break
      }
    }
  }
}
