import LinuxIO
import LogStorage
import Records

/// The opening of one partition: reads, and after an unclean stop recovers, its files. Any thread may
/// perform it; `LogDirectory.opened` makes a log of what it found.
package final class PartitionOpening: Sendable {
  private enum Phase { case waiting, running, ended, cancelled }

  package let partition: TopicPartition
  let points: OpeningPoints
  private let recovery: LogRecovery
  let watch: OpeningWatch
  /// Names the topic's file, where the folder is missing.
  private let topicPath: String
  private let phase = Lock(Phase.waiting)
  private let recovered: Lock<Offset>
  private let found = Lock<Result<RecoveredLog, LogError>?>(nil)
  private let hasEnded = Semaphore()

  init(
    _ partition: TopicPartition, of topic: Topic, directory: String, io: any FileIO,
    notices: LogNotices, watch: OpeningWatch, points: OpeningPoints, topicPath: String
  ) {
    self.partition = partition
    self.points = points
    self.topicPath = topicPath
    // A stop of this one opening is heard like one of all.
    let own = OpeningWatch(within: watch)
    self.watch = own
    recovered = Lock(points.durable)
    recovery = LogRecovery(
      partition: partition, directory: directory, io: io, settings: topic.settings,
      notices: notices, watch: own)
  }

  /// What is known to be durable by now.
  var pointsNow: OpeningPoints {
    var now = points
    now.durable = recovered.withLock { $0 }
    return now
  }

  /// Once; does nothing where the opening was cancelled. `afterSegment` is called when a segment was
  /// recovered: `pointsNow` has moved then.
  package func perform(afterSegment: () -> Void = {}) {
    let begins = phase.withLock { phase in
      if phase != .waiting { return false }
      phase = .running
      return true
    }
    if !begins { return }
    watch.begins()
    let result = Result { () throws(LogError) in try read(afterSegment) }
    watch.ended()
    found.withLock { $0 = result }
    phase.withLock { $0 = .ended }
    hasEnded.signal()
  }

  func noteOpened() { watch.noteOpenedInWhole() }

  /// What was found; nil before the opening has ended.
  func takeResult() -> Result<RecoveredLog, LogError>? { found.withLock { $0.take() } }

  /// On return the files are nobody's: the opening has not begun and never will, or has ended. One that
  /// runs ends within a MiB of what it checks.
  func cancel() {
    let runs = phase.withLock { phase in
      defer { if phase == .waiting { phase = .cancelled } }
      return phase == .running
    }
    if !runs { return }
    watch.stop()
    hasEnded.wait()
  }

  private func read(_ afterSegment: () -> Void) throws(LogError) -> RecoveredLog {
    var opened: RecoveredLog
    do throws(LogError) {
      try watch.goOn()
      opened = try recoveredLog(afterSegment)
    } catch {
      guard case .system(let failure) = error, failure.number == .noSuchFile,
        (try? recovery.io.list(recovery.directory)) == nil
      else { throw error }
      throw .noDirectory(
        path: recovery.directory,
        reason: "is missing, and \(topicPath) says that it is there. "
          + "Restore it, or see 'varve log repair'")
    }
    if let start = points.start { opened.start = max(opened.start, min(start, opened.end)) }
    return opened
  }

  /// As the clean stop left it, or checked.
  private func recoveredLog(_ afterSegment: () -> Void) throws(LogError) -> RecoveredLog {
    if let clean = points.clean {
      let state = try recovery.trust(
        end: clean.end, activeBase: clean.activeBase, activeBytes: clean.activeBytes)
      if let state { return state }
      recovery.notices.post(
        LogNotice(
          path: recovery.directory,
          "is not as the clean shutdown left it; everything is checked"))
    }
    return try recovery.run(recoveryPoint: points.durable) { end in
      recovered.withLock { $0 = max($0, end) }
      afterSegment()
    }
  }
}
