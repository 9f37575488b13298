import CommitLog
import LinuxIO
import Load
import LogStorage
import Measurements
import Records
import Suites

/// A log that producers and consumers load, each on a thread of its own, while the log has another.
///
/// | target | batches go to | records come from |
/// |---|---|---|
/// | `embedded` | the log, through a queue | the log's files, in the same process |
/// | `stream` | likewise | connections that a transfer path sends the log's tail over |
/// | `generator` | nowhere: acknowledged at once | nowhere |
///
/// `generator` is the generator's own ceiling and schedule delay. What is acknowledged is looked
/// for afterwards: by consumers, which check every CRC and that no offset is missing, or at the
/// log's end.
package final class LoadedTarget: LoadTarget {
  package enum Kind: Hashable, Sendable { case embedded, stream, generator }

  private let kind: Kind
  private let prepareBatches: (TrialParameters) throws -> PreparedBatches
  private let readEvents: () throws -> [RecordSource.Stored]
  private var trial: TrialSetting?
  private var threads: ServiceThreads?
  private var thread: ServiceThread? { threads?.first }
  private let state = LogState()
  private var network: TransferNetwork?
  private var events: [RecordSource.Stored] = []

  package init(
    _ kind: Kind, _ prepareBatches: @escaping (TrialParameters) throws -> PreparedBatches,
    events: @escaping () throws -> [RecordSource.Stored]
  ) {
    self.kind = kind
    self.prepareBatches = prepareBatches
    readEvents = events
  }

  package var appendBytes: Int { trial?.parameters.batchBytes ?? 1 }

  package func prepare(_ trial: TrialSetting) throws {
    self.trial = trial
    let parameters = trial.parameters
    try trial.checkQueueDepth()
    if kind == .stream { _ = try trial.checkedTransfer() }
    if parameters.payload != "synthetic" { events = try readEvents() }
    if kind == .stream { network = try TransferNetwork(parameters.oneConnectionEach) }
    let places = try LoadPlaces(parameters)
    let threads = try ServiceThreads(count: kind == .generator ? 1 : parameters.logThreads)
    self.threads = threads
    // Before they touch memory.
    for thread in threads.threads { try thread.perform { try places.log.apply() } }
    if kind == .generator { return }
    // SAFETY: this thread waits while the other uses them.
    let making = Handover((trial, prepareBatches, state))
    try threads.first.perform {
      let (trial, prepareBatches, state) = making.value
      // What is there before need not be durable batch by batch: the state of the cache is made
      // after.
      var filling = trial
      filling.parameters = trial.parameters.forPrefill
      let log = try TrialLog(filling, try prepareBatches(filling.parameters), threads: threads)
      state.log = log
      try log.fill(bytes: trial.parameters.prefillBytes, trial.stop)
      if trial.parameters.preallocation == .recycle { try log.leaveSpares(trial.stop) }
      // What is being written does not leave the page cache.
      if trial.parameters.cache == .cold { for log in log.logs { try log.roll() } }
      try log.change(to: trial.parameters.durability)
    }
  }

  package func bringCacheToState() throws {
    guard let trial, trial.parameters.consumeFrom == .start, trial.parameters.prefillBytes > 0,
      let thread
    else { return }
    let state = state
    let published = try thread.perform { state.log?.logs.map(\.published) ?? [] }
    try SentFiles.bring(published, to: trial.parameters, stop: trial.stop)
  }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let trial, let threads else { return TrialCounts(records: 0, bytes: 0) }
    let run = LoadRun(
      trial: trial, kind: kind, threads: threads, state: state, network: network, events: events,
      recorder: recorder)
    return try run.run()
  }

  package func synchronize() throws {
    let state = state
    try thread?.perform { try state.log?.directory.close() }
  }

  package func finish() throws {
    let state = state
    try? thread?.perform { state.log = nil }
    threads?.end()
    threads = nil
    network?.close()
    network = nil
  }
}

/// The log, which only its threads touch.
// SAFETY: `log` is set in work that the first service thread performs while the others have none,
// and what is in it belongs to the shards' threads.
final class LogState: @unchecked Sendable {
  var log: TrialLog?
  /// Why a loop ended early, or what failed beside the batches: the first of all.
  let failure = Lock<(any Error)?>(nil)

  func fail(_ error: any Error) { failure.withLock { $0 = $0 ?? error } }
}

/// Something that another thread uses while its owner waits.
// SAFETY: whoever makes one sees to that.
package struct Handover<Value>: @unchecked Sendable {
  package let value: Value
  package init(_ value: Value) { self.value = value }
}

extension TrialParameters {
  /// How what is there before the trial is written: in batches of the trial's size, as fast as it
  /// goes.
  fileprivate var forPrefill: TrialParameters {
    var same = self
    same.durability = .none
    if prefillBytes == 0 { same.payload = "synthetic" }
    return same
  }

  /// For the sockets of `consumers`: each partition that somebody consumes has a connection.
  fileprivate var oneConnectionEach: TrialParameters {
    var same = self
    same.connections = LoadAssignment(self).connections.count
    return same
  }
}
