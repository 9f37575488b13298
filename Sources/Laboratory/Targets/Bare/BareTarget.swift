import LinuxIO
import LogStorage
import Measurements
import Suites

/// The reference: the system calls that a log cannot do without, and nothing else.
///
/// Prebuilt batches of `batch_bytes` go to consecutive positions of `partitions` files in turn,
/// by the calls that the backend is made of: `pwrite(2)`, stores to a mapping, or an io_uring, with
/// O_DIRECT where the backend is direct. Space is taken ahead in the same steps as the log's
/// segments take it. Segments do not roll: each partition is one file.
package final class BareTarget: LoadTarget {
  private var parameters = TrialParameters()
  private var writer: (any BareWriter)?

  package init() {}

  package func prepare(_ trial: TrialSetting) throws {
    parameters = trial.parameters
    let capabilities = trial.backend.capabilities
    try trial.checkQueueDepth()
    let files = try BareFiles(parameters, capabilities, in: trial.directory, trial.stop)
    let writer: any BareWriter =
      if capabilities.isAsynchronous {
        try BareRing(files, parameters)
      } else if capabilities.isMapped {
        BareMapping(files, parameters)
      } else {
        BareCalls(files, parameters, isUncached: capabilities.isUncached)
      }
    self.writer = writer
    if parameters.prefillBytes > 0 {
      let count = (parameters.prefillBytes - 1) / Int64(parameters.batchBytes) + 1
      _ = try writer.write(batches: count, .none, TrialRecorder(stop: trial.stop))
      if trial.stop.isRaised { throw TrialStopped() }
    }
  }

  package var appendBytes: Int { parameters.batchBytes }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let writer else { return TrialCounts(records: nil, bytes: 0) }
    let batches = try writer.write(
      batches: parameters.plannedBatches, parameters.durability, recorder)
    if recorder.isStopped { throw TrialStopped() }
    return TrialCounts(records: nil, bytes: batches * Int64(parameters.batchBytes))
  }

  package func synchronize() throws { try writer?.files.synchronize() }

  package func finish() throws { writer = nil }
}

/// A way to write batches to files; one file each in this folder.
protocol BareWriter: AnyObject {
  var files: BareFiles { get }

  /// The loop that the log is judged against: batches to the files in turn, made durable as
  /// `durability` says; the count of those written. Records the service time of each.
  func write(
    batches: Int64, _ durability: Durability, _ recorder: TrialRecorder
  ) throws -> Int64
}
