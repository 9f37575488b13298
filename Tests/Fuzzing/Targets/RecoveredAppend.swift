import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport

extension TopicPartition {
  static let first = TopicPartition(topic: "t", partition: 0)
}

extension OpenDirectory {
  /// The present, to every log here.
  static let now = LogTime(monotonicNanoseconds: 1, wallMilliseconds: 2_000)

  var logs: [PartitionLog] {
    directory.topics.values.sorted { $0.name < $1.name }.flatMap { topic in
      topic.partitions.prefix(4).compactMap { try? directory.log($0) }
    }
  }

  /// Appends a batch and waits until it is acknowledged.
  @discardableResult
  func append(_ batch: [UInt8], to log: PartitionLog) throws(LogError) -> AppendReceipt {
    var slot: AlignedBuffer? = AlignedBuffer.holding(batch, shiftedBy: log.placement)
    let receipt = try log.append(&slot, check: .checksum, now: Self.now)
    try directory.commit()
    while true {
      switch log.status(of: receipt) {
      case .acknowledged: return receipt
      case .failed(let error): throw error
      case .pending:
        // Under `interval` it is acknowledged when it is written, under the rest when flushed.
        try directory.poll(waiting: true)
      }
    }
  }
}

/// One batch more after a recovery: it gets the log's end as its offset, can be read, and is there
/// after a clean stop, also when the power goes then.
struct RecoveredAppend {
  private let open: OpenDirectory
  private let plan: AppendPlan
  private let trustsNothing: Bool

  init(_ open: OpenDirectory, _ plan: AppendPlan, trustsNothing: Bool) {
    self.open = open
    self.plan = plan
    self.trustsNothing = trustsNothing
  }

  func run() throws(FuzzViolation) {
    if plan.createsTopic { try createTopic() }
    let partition = TopicPartition(topic: "t", partition: plan.partition)
    guard let log = try? open.directory.log(partition) else { return }
    if plan.appliesRetention { try applyRetention(log) }
    if plan.rollsFirst {
      do throws(LogError) { try log.roll() } catch { try check(error, log) }
    }
    let end = log.nextOffset
    var batch = FuzzBatch()
    batch.recordCount = plan.recordCount
    batch.valueBytes = plan.valueBytes
    batch.timestamp = plan.timestamp
    let receipt: AppendReceipt
    do throws(LogError) { receipt = try open.append(batch.bytes, to: log) } catch {
      try check(error, log)
      try require(log.published.endOffset, equals: end, "the end after an append that failed")
      return
    }
    try require(receipt.baseOffset, equals: end, "the offset of an append")
    let position = try find(end, in: open, "an acknowledged batch")
    do throws(LogError) { try open.directory.close() } catch {
      // Where a directory has the name of a file that is to be written, that is said.
      if case .system(let cause) = error, cause.call == .unlink { return }
      throw FuzzViolation("does not stop cleanly: \(error)")
    }
    for (name, disk) in [
      ("a clean stop", open.disk.powerCut(seed: 3, .everything)),
      ("a clean stop and a power cut", open.disk.powerCut(seed: 2, .guaranteed)),
    ] {
      try checkReopened(disk, end, position, name)
    }
  }

  private func checkReopened(
    _ disk: SimulatedDisk, _ end: Offset, _ position: FilePosition, _ name: String
  ) throws(FuzzViolation) {
    let again: OpenDirectory
    do throws(LogError) { again = try OpenDirectory(disk) } catch {
      throw FuzzViolation("does not open after \(name): \(error)")
    }
    try require(try find(end, in: again, "after \(name), the batch"), equals: position, "its place")
    let partition = TopicPartition(topic: "t", partition: plan.partition)
    let found = try? again.directory.log(partition).nextOffset
    try require(
      found, equals: end.advanced(by: Int64(plan.recordCount)), "the end after \(name)")
    try require(again.directory.recoveredBytes, equals: 0, "bytes checked after \(name)")
  }

  /// Reads the batch that was appended at `offset`; where it lies.
  private func find(
    _ offset: Offset, in open: OpenDirectory, _ what: String
  ) throws(FuzzViolation) -> FilePosition {
    let partition = TopicPartition(topic: "t", partition: plan.partition)
    do {
      var reader = LogReader(try open.directory.log(partition).published)
      guard let read = try reader.read(from: offset, bytesMax: 1) else {
        throw FuzzViolation("\(what) at \(offset) is not there")
      }
      let bytes = try read.slice.allBytes()
      guard let batch = PlainSegment.batch(in: bytes, at: 0), batch.header.baseOffset == offset,
        Int(batch.header.recordCount) == plan.recordCount
      else { throw FuzzViolation("\(what) at \(offset) is not what was appended") }
      return read.position
    } catch let error as FuzzViolation {
      throw error
    } catch { throw FuzzViolation("\(what) cannot be read: \(error)") }
  }

  private func applyRetention(_ log: PartitionLog) throws(FuzzViolation) {
    let end = log.nextOffset
    do throws(LogError) { _ = try open.directory.applyRetention(OpenDirectory.now) } catch {
      try check(error, log)
    }
    try require(log.published.endOffset, equals: end, "the end after retention")
    try require(log.published.startOffset <= end, "the start after retention")
  }

  private func createTopic() throws(FuzzViolation) {
    var generator = SeededGenerator(seed: 5)
    do throws(LogError) {
      _ = try open.directory.createTopic(
        "u", partitions: 1, settings: TopicSettings(backend: "buffered"), using: &generator)
    } catch { _ = "\(error)" }
  }

  /// A log of which every byte was checked refuses an append for its size, its offset, its settings or
  /// a name that is taken, and for nothing that is in it.
  private func check(_ error: LogError, _ log: PartitionLog) throws(FuzzViolation) {
    _ = "\(error)"
    if !trustsNothing { return }
    switch error {
    case .damaged, .offsetOutOfRange, .lostBehindFailure:
      throw FuzzViolation("\(log.partition), all of it checked, refuses: \(error)")
    default: return
    }
  }
}
