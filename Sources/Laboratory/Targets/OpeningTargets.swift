import CommitLog
import LinuxIO
import LogStorage
import Measurements
import Records
import Suites

/// Opening a data directory as a load: after a crash (`recover`), when every batch's CRC is checked,
/// or after a clean stop (`open`), when nothing but directories is read.
///
/// `prepare` fills the partitions through the trial's backend, stops cleanly, and for `recover`
/// takes away what says so. The bytes of a `recover` trial are those that were checked; the records
/// of an `open` trial are the partitions opened, and its bytes are not known. Both are one operation, so
/// the service time is that of the whole.
package final class OpeningTarget: LoadTarget {
  private let isCrash: Bool
  private let filler: LogTarget
  private var trial: TrialSetting?
  private var opened: LogDirectory?

  init(isCrash: Bool, _ filler: LogTarget) {
    self.isCrash = isCrash
    self.filler = filler
  }

  package func prepare(_ trial: TrialSetting) throws {
    self.trial = trial
    try filler.prepare(trial)
    _ = try filler.run(TrialRecorder(stop: trial.stop))
    try filler.synchronize()
    try filler.finish()
    if isCrash {
      let io = LinuxFileIO()
      for name in [LogDirectory.cleanShutdownName, LogDirectory.recoveryPointName] {
        try io.remove("\(path(trial))/\(name)")
      }
    }
  }

  package var appendBytes: Int { filler.appendBytes }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let trial else { return TrialCounts(records: 0, bytes: 0) }
    let drivers = trial.backend.drivers(BackendOptions())
    let start = MonotonicClock.nanoseconds()
    let directory = try LogDirectory(
      path: path(trial), io: LinuxFileIO(), drivers: drivers,
      defaults: TopicSettings(backend: trial.backend.name))
    recorder.recordService(since: start)
    opened = directory
    return TrialCounts(
      records: isCrash ? nil : Int64(trial.parameters.partitions),
      bytes: isCrash ? directory.recoveredBytes : nil)
  }

  package func synchronize() throws { try opened?.close() }

  package func finish() throws {
    opened = nil
    try filler.finish()
  }

  private func path(_ trial: TrialSetting) -> String { "\(trial.directory)/log" }
}
