import CommitLog
import LinuxIO
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

  /// Retention, and whether it kept what it was to keep.
  mutating func applyRetention(_ life: Life) throws(LogError) {
    try life.directory.applyRetention(now)
    let setup = history.setup
    let bytesMin = setup.retentionMilliseconds == nil ? setup.retentionBytes : nil
    for index in models.indices {
      let log = try log(index)
      do throws(Violation) {
        try models[index].refresh(log)
        try models[index].retained(bytesMin: bytesMin)
      } catch { pendingViolation = pendingViolation ?? error }
    }
  }
}
