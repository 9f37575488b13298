import CommitLog
import LinuxIO
import LogStorage
import Measurements
import Records
import Suites
import TransferPaths

/// A log to sockets: one thread sends partitions over `connections` connections, by a transfer
/// path, to a receiver in a thread of its own.
///
/// `reading: whole` sends `bytes` in all, each connection its share, from a log of `prefill_bytes`
/// (of `bytes` where that is 0) that is there before; `tail` sends what is appended meanwhile, as
/// fast as that goes, to every connection of its partition. Connection *n* reads partition *n*
/// modulo `partitions`. The service time is that of each call of the path that moved something.
package final class TransferTarget: LoadTarget {
  private let prepareBatches: (TrialParameters) throws -> PreparedBatches
  private var trial: TrialSetting?
  private var log: TrialLog?
  private var network: TransferNetwork?

  package init(_ prepareBatches: @escaping (TrialParameters) throws -> PreparedBatches) {
    self.prepareBatches = prepareBatches
  }

  package var appendBytes: Int { log?.appender.appendBytes ?? 0 }

  package func prepare(_ trial: TrialSetting) throws {
    let parameters = trial.parameters
    self.trial = trial
    try trial.checkQueueDepth()
    _ = try trial.checkedTransfer()
    let network = try TransferNetwork(parameters)
    self.network = network
    let log = try TrialLog(trial, try prepareBatches(parameters))
    self.log = log
    let bytes = parameters.reading == .whole ? parameters.sentLogBytes : parameters.prefillBytes
    try log.fill(bytes: bytes, trial.stop)
    // What is mapped, or being filled, does not leave the page cache.
    if parameters.cache == .cold { for log in log.logs { try log.roll() } }
  }

  package func bringCacheToState() throws {
    guard let trial, let log, trial.parameters.reading == .whole else { return }
    try SentFiles.bring(log.logs.map(\.published), to: trial.parameters, stop: trial.stop)
  }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let trial, let log, let network, let choice = trial.transfer else {
      return TrialCounts(records: nil, bytes: 0)
    }
    let parameters = trial.parameters
    let wake = parameters.reading == .tail ? try WakeSignal() : nil
    let logs = log.logs.map(\.published)
    // Before anything is appended: a tail begins here.
    let streams = logs.map { wake == nil ? LogStream($0) : LogStream(atEndOf: $0) }
    let run = TransferRun(
      network: network, parameters: parameters, stop: trial.stop, wake: wake)
    let counts = try run.run(
      recorder,
      meanwhile: {
        if let wake { try append(parameters, log, recorder, wake) }
      }
    ) {
      let resources = TransferResources()
      return try network.senders.enumerated().map { number, socket in
        let partition = number % logs.count
        let amount: LogSender.Amount =
          if let wake { .tail(wake) } else { .bytes(parameters.share(ofConnection: number)) }
        return try LogSender(
          logs[partition], streams[partition], amount, by: choice, resources, to: socket,
          callBytes: parameters.callBytes)
      }
    }
    if recorder.isStopped { throw TrialStopped() }
    return counts
  }

  private func append(
    _ parameters: TrialParameters, _ log: TrialLog, _ recorder: TrialRecorder, _ wake: WakeSignal
  ) throws {
    _ = try log.appender.append(
      parameters.plannedBatches, record: { _, _ in wake.wake() }, until: { recorder.isStopped })
  }

  package func synchronize() throws { try log?.directory.close() }

  package func finish() throws {
    network?.close()
    network = nil
    log = nil
  }
}

extension TrialSetting {
  /// The transfer path. Throws where the program has none of that name.
  func checkedTransfer() throws(TrialSkipped) -> TransferCapabilities {
    guard let choice = transfer else {
      throw TrialSkipped("this program has no transfer path '\(parameters.transfer)'")
    }
    return choice.capabilities
  }
}

extension TrialParameters {
  /// Bytes that a connection sends of the trial's.
  func share(ofConnection number: Int) -> Int64 {
    let each = plannedBytes / Int64(connections)
    return number == 0 ? plannedBytes - each * Int64(connections - 1) : each
  }
}

extension TargetChoice {
  /// A file's bytes to sockets by system calls alone: the reference of `transfer`.
  package static var syscallsTransfer: TargetChoice {
    TargetChoice(TargetName.transferSyscalls) { BareTransferTarget() }
  }
}
