import CommitLog
import LinuxIO
import LogRuntime
import LogStorage
import Records
import SimulatedStorage

// What is looked at while the process lives.
extension HistoryRun {
  /// Looks up some of what a reader sees now. Where the disk fails meanwhile nothing is learned.
  mutating func read(_ partition: Int) throws(Violation) {
    guard life != nil, !isRotten, !mayHaveFailed, !disk.isPowerOff,
      let log = try? log(partition)
    else { return }
    try models[partition].refresh(log)
    let start = log.published.startOffset.rawValue
    let end = log.published.endOffset.rawValue
    do throws(Violation) {
      try checkIndexes(log.published, partition, from: start, to: end)
      try checkBatches(log.published, partition, from: start, to: end)
    } catch {
      if !mayHaveFailed && !disk.isPowerOff { throw error }
    }
  }

  /// What is appended between the two steps is not the flush's, though it may cover it.
  func flushInBackground(_ life: Life) throws(LogError) {
    let begun = life.flushes.flushes
    if begun.isEmpty { return try life.directory.beginCheckpoint() }
    life.flushes.flushes = []
    try life.directory.ended(
      begun.map { flush in (flush, Result { () throws(LogError) in try flush.run() }) })
  }

  /// Opens a partition anew that takes no appends. All that was acknowledged is there then, as after a
  /// kill, and on the disk.
  mutating func mend(_ number: Int) throws(Violation) {
    guard let life, !isRotten, !disk.isPowerOff else { return }
    if let log = try? log(number) { try models[number].refresh(log) }
    let partition = TopicPartition(topic: "t", partition: Int32(number))
    guard let opening = life.directory.reopen(partition) else { return }
    life.partitions[number].setDeleted()
    opening.perform()
    let opened: PartitionLog
    do throws(LogError) { opened = try life.directory.opened([opening])[0].get() } catch {
      // It is offline until the next try, or the next start.
      return tell("it does not open: \(error)")
    }
    tally.mends += 1
    self.life?.partitions[number] = LogPartition(
      id: history.setup.partitionCount + tally.mends, log: opened)
    let faultsBefore = disk.faultCount
    do throws(Violation) { try check(opened, number, .kill(mayHaveFailed: true)) } catch {
      if disk.faultCount == faultsBefore && !disk.isPowerOff { throw error }
      // The disk failed the check, and not the log.
      models[number].opened(
        start: opened.published.startOffset.rawValue, end: opened.published.endOffset.rawValue)
    }
  }

  /// Retention, and whether it kept what it was to keep.
  mutating func applyRetention(_ life: Life) throws(LogError) {
    try life.directory.applyRetention(now)
    let setup = history.setup
    let bytesMin = setup.retentionMilliseconds == nil ? setup.retentionBytes : nil
    // All jumps of a history are too large to be believed.
    let newestMax =
      setup.retentionBytes == nil ? setup.retentionMilliseconds.map { trueMilliseconds - $0 } : nil
    for index in models.indices {
      let log = try log(index)
      do throws(Violation) {
        try models[index].refresh(log)
        try models[index].retained(bytesMin: bytesMin, newestMax: newestMax)
      } catch { pendingViolation = pendingViolation ?? error }
    }
  }
}
