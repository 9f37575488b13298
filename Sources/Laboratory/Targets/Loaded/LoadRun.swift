import CommitLog
import Histogram
import LinuxIO
import Load
import LogStorage
import Measurements
import Records
import Suites
import TransferPaths

/// The measured part of a loaded trial: starts the threads, waits for them in their order
/// (producers, log, senders, consumers), and adds up what they saw.
struct LoadRun {
  let trial: TrialSetting
  let kind: LoadedTarget.Kind
  let threads: ServiceThreads
  let state: LogState
  let network: TransferNetwork?
  let events: [RecordSource.Stored]
  let recorder: TrialRecorder

  /// Between now and the first arrival: time for threads to start and to make their histograms.
  private var leadNanoseconds: Int64 {
    20_000_000 + Int64(parameters.producers * secondsExpected) * 500_000
  }

  private var parameters: TrialParameters { trial.parameters }

  /// What is known of the log before and after.
  private struct LogView: Sendable {
    var published: [PublishedLog] = []
    var ends: [Offset] = []
    var streams: [LogStream] = []
    /// The shard that each partition belongs to.
    var shards: [Int] = []
  }

  func run() throws -> TrialCounts {
    let assignment = LoadAssignment(parameters)
    let places = try LoadPlaces(parameters)
    state.failure.withLock { $0 = nil }
    let view = try look()
    let start = MonotonicClock.nanoseconds() + leadNanoseconds
    recorder.begin(at: start)
    let before = ResourceUsage.current(.process)
    let harnessBefore = ResourceUsage.current(.thread)

    let loops = try threads.threads.map { _ in try ServiceLoop() }
    // By loop and producer.
    let queues = try loops.map { loop in
      try (0..<parameters.producers).map { _ in
        try QueuePort(loop, capacity: parameters.inFlight)
      }
    }
    let ports: [any ProducerPort & Sendable] = (0..<parameters.producers).map { number in
      if loops.count == 1 { return queues[0][number] }
      return ShardedPort(queues.map { $0[number] }, shards: view.shards)
    }
    let readers = try Readers(self, assignment, places, view, start)
    for (shard, loop) in loops.enumerated() {
      beginServing(shard, loop, queues[shard], start, readers.advanced)
    }
    let producers: [WorkerThread<ProducerResult>]
    do { producers = try startProducers(assignment, places, ports, start) } catch {
      for loop in loops { loop.end() }
      for thread in threads.threads { try? thread.perform {} }
      throw error
    }
    let produced = producers.compactMap { $0.join() }
    for loop in loops { loop.end() }
    // Waits for the loops, which run on those threads.
    for thread in threads.threads { try thread.perform {} }
    let (ends, failure) = try threads.first.perform { [state] in
      (state.log?.logs.map(\.published.endOffset) ?? [], state.failure.withLock { $0 })
    }
    let consumed = readers.finish(ends)
    let harness = ResourceUsage.current(.thread) - harnessBefore
    let total = ResourceUsage.current(.process) - before
    if trial.stop.isRaised { throw TrialStopped() }
    if let failure { throw failure }
    let sum = try Sum(produced, recorder)
    var counts = TrialCounts(records: sum.records, bytes: sum.bytes)
    // Rates are over the time that was asked for, or longer: of ten records a second, the last is
    // acknowledged after nine tenths of one.
    let asked = parameters.plannedSeconds ?? 0
    counts.seconds = max(Double(max(sum.lastEnd - start, 1)) / 1e9, asked)
    var load = try check(sum, consumed, view, ends, start)
    load.producerCPUSeconds = sum.cpuSeconds
    if sum.lastIntended > start {
      load.offeredSeconds = max(Double(sum.lastIntended - start) / 1e9, asked)
    }
    load.targetCPUSeconds = max(
      0, total.seconds - harness.seconds - sum.cpuSeconds - (load.consumerCPUSeconds ?? 0))
    counts.load = load
    return counts
  }

  private func look() throws -> LogView {
    let isFromEnd = parameters.consumeFrom == .end
    return try threads.first.perform { [state] in
      let logs = state.log?.logs.map(\.published) ?? []
      return LogView(
        published: logs, ends: logs.map(\.endOffset),
        streams: logs.map { isFromEnd ? LogStream(atEndOf: $0) : LogStream($0) },
        shards: state.log?.logs.map(\.shard) ?? [])
    }
  }

  private func beginServing(
    _ shard: Int, _ loop: ServiceLoop, _ ports: [QueuePort], _ start: Int64,
    _ advanced: @escaping @Sendable ([Int]) -> Void
  ) {
    let parameters = parameters
    let marks = recorder.marks
    var disturbance = Disturbance()
    disturbance.stallNanoseconds = parameters.stallMilliseconds * 1_000_000
    disturbance.stallAtNanoseconds = parameters.stallAtMilliseconds * 1_000_000
    let planned = disturbance
    threads.threads[shard].post { [state] in
      let service: any BatchService =
        if let log = state.log {
          LogService(log.directory, shard: shard, log.logs, parameters, flushes: log.flushes)
        } else {
          NullService()
        }
      do {
        try loop.run(service, ports, start: start, planned) {
          // They all stand still together.
          if shard == 0 { marks.add($0, $1, $2) }
        } published: {
          advanced($0)
        }
        if let error = service.failure { state.fail(error) }
      } catch { state.fail(error) }
    }
  }

  // MARK: - Producers

  /// What a producer's thread leaves.
  // SAFETY: made by that thread, and read by another after it has ended.
  struct ProducerResult: @unchecked Sendable {
    let outcome: Result<ProducerOutcome, any Error>
    let usage: ResourceUsage
  }

  private func startProducers(
    _ assignment: LoadAssignment, _ places: LoadPlaces, _ ports: [any ProducerPort & Sendable],
    _ start: Int64
  ) throws -> [WorkerThread<ProducerResult>] {
    let seconds = secondsExpected
    return try (0..<parameters.producers).map { number in
      let plan = plan(of: number, assignment)
      let (port, stop, parameters, events) = (ports[number], trial.stop, parameters, events)
      let trialSeed = trial.seed
      return try WorkerThread {
        let before = ResourceUsage.current(.thread)
        let outcome = Result {
          // Before the first memory is touched.
          try places.producers.apply()
          let source = Self.source(
            parameters, events, seed: Self.seed(trialSeed, number, .records))
          return try Producer(
            plan, clock: try SystemLoadClock(), port: port, source: source, start: start,
            secondsExpected: seconds, stop: stop
          ).run()
        }
        return ProducerResult(outcome: outcome, usage: .current(.thread) - before)
      }
    }
  }

  /// Seconds that histograms are made for before the trial: 400 KiB each for a producer. Of longer
  /// trials each further second's are made when it comes.
  var secondsExpected: Int { Int(min((parameters.plannedSeconds ?? 4) + 2, 32)) }

  /// What a producer draws random numbers for: each from a stream of its own.
  private enum Draw: UInt64 { case arrivals, records }

  private static func seed(_ trial: UInt64, _ number: Int, _ draw: Draw) -> UInt64 {
    var mixer = SeededGenerator(seed: trial &+ UInt64(number) &* 2 &+ draw.rawValue)
    return mixer.next()
  }

  private static func source(
    _ parameters: TrialParameters, _ events: [RecordSource.Stored], seed: UInt64
  ) -> RecordSource {
    if !events.isEmpty { return RecordSource(events, seed: seed) }
    return RecordSource(
      recordBytes: parameters.recordBytes, kind: parameters.recordSizes,
      bytesMax: parameters.batchBytes - RecordBatchHeader.byteCount - 40, seed: seed)
  }

  private func plan(of number: Int, _ assignment: LoadAssignment) -> ProducerPlan {
    var plan = ProducerPlan()
    plan.batchBytes = parameters.batchBytes
    plan.lingerNanoseconds = parameters.lingerMilliseconds * 1_000_000
    plan.partitions = assignment.produced[number]
    plan.inFlight = parameters.inFlight
    let producers = Int64(parameters.producers)
    var duration = Int64.max
    if case .duration(let milliseconds) = parameters.length { duration = milliseconds * 1_000_000 }
    // The first ones send what does not divide.
    let share = parameters.plannedRecords / producers
    let rest = Int64(number) < parameters.plannedRecords % producers ? Int64(1) : 0
    if parameters.isOpenLoop {
      plan.schedule = ArrivalSchedule(
        recordsPerSecond: Double(parameters.rate) / Double(producers),
        isPoisson: parameters.arrival == .poisson, phase: Double(number) / Double(producers),
        seed: Self.seed(trial.seed, number, .arrivals),
        count: duration == .max ? share + rest : .max,
        endNanoseconds: duration)
    } else {
      plan.recordsMax = duration == .max ? share + rest : .max
      plan.durationNanoseconds = duration
    }
    return plan
  }

  /// All producers together.
  private struct Sum {
    var records: Int64 = 0
    var bytes: Int64 = 0
    var lastEnd: Int64 = 0
    var lastIntended: Int64 = 0
    var cpuSeconds = 0.0

    /// Throws the first error that a producer met.
    init(_ results: [ProducerResult], _ recorder: TrialRecorder) throws {
      for result in results {
        let outcome = try result.outcome.get()
        if let error = outcome.firstError { throw error }
        records += outcome.records
        bytes += outcome.bytes
        lastEnd = max(lastEnd, outcome.lastEnd)
        lastIntended = max(lastIntended, outcome.lastIntended)
        cpuSeconds += result.usage.seconds
        recorder.add(.response, outcome.response)
        recorder.add(.service, outcome.service)
        recorder.add(.scheduleDelay, outcome.scheduleDelay)
        recorder.add(outcome.seconds)
      }
    }
  }

  // MARK: - Afterwards

  /// Is everything there that was acknowledged?
  private func check(
    _ sum: Sum, _ consumed: [ConsumerOutcome], _ view: LogView, _ ends: [Offset], _ start: Int64
  ) throws -> LoadCounts {
    var load = LoadCounts()
    if kind == .generator { return load }
    let appended = zip(view.ends, ends).reduce(Int64(0)) { $0 + $1.1.rawValue - $1.0.rawValue }
    guard appended >= sum.records else {
      throw RecordsLost(acknowledged: sum.records, found: appended, place: "are in the log")
    }
    load.lostRecords = 0
    if consumed.isEmpty { return load }
    let errors = consumed.compactMap(\.error)
    if let error = errors.first(where: { !Readers.isOnlyReset($0) }) ?? errors.first { throw error }
    let records = consumed.reduce(0) { $0 + $1.records }
    load.consumedRecords = records
    load.consumedBytes = consumed.reduce(0) { $0 + $1.bytes }
    load.consumerCPUSeconds = consumed.reduce(0) { $0 + $1.usage.seconds }
    for outcome in consumed { recorder.add(.endToEnd, outcome.endToEnd) }
    let expected = LoadAssignment(parameters).connections.reduce(Int64(0)) {
      let first = parameters.consumeFrom == .end ? view.ends[$1.partition] : .zero
      return $0 + ends[$1.partition].rawValue - first.rawValue
    }
    guard records == expected else {
      throw RecordsLost(acknowledged: expected, found: records, place: "were consumed")
    }
    if parameters.consumeFrom == .start {
      load.catchUpSeconds = consumed.compactMap(\.caughtUpAt).max().map { Double($0 - start) / 1e9 }
      load.catchUpBytes = consumed.reduce(0) { $0 + $1.caughtUpBytes }
    }
    return load
  }
}

extension LoadRun {
  /// The threads that read, and for sockets the one that sends to them.
  private struct Readers {
    /// To be told of partitions that have grown.
    let advanced: @Sendable ([Int]) -> Void
    private let inboxes: [AdvanceInbox]
    private let ends = FinalEnds()
    private let readers: [WorkerThread<Handover<ConsumerOutcome>>]
    private let sender: WorkerThread<SendLoop.Outcome>?
    private let senderWake: WakeSignal?

    init(
      _ run: LoadRun, _ assignment: LoadAssignment, _ places: LoadPlaces, _ view: LogView,
      _ start: Int64
    ) throws {
      let parameters = run.parameters
      let seconds = run.secondsExpected
      let first = parameters.consumeFrom == .end ? view.ends : view.ends.map { _ in Offset.zero }
      guard let network = run.network, run.kind == .stream else {
        let (ends, stop) = (ends, run.trial.stop)
        let inboxes = try assignment.consumed.map {
          try AdvanceInbox($0, of: parameters.partitions)
        }
        readers = try assignment.consumed.enumerated().map { number, partitions in
          let consumer = LogConsumer(
            logs: view.published, partitions: partitions, startOffsets: first,
            inbox: inboxes[number], ends: ends, stop: stop, start: start, secondsExpected: seconds)
          return try WorkerThread {
            Handover(consumer.run(at: places.consumers))
          }
        }
        self.inboxes = inboxes
        advanced = { partitions in for inbox in inboxes { inbox.advanced(partitions) } }
        sender = nil
        senderWake = nil
        return
      }
      let connections = assignment.connections
      let wake = try WakeSignal()
      inboxes = []
      advanced = { _ in wake.wake() }
      senderWake = wake
      readers = try assignment.consumed.indices.map { number in
        let mine = connections.indices.filter { connections[$0].consumer == number }
        let consumer = SocketConsumer(
          sockets: mine.map { network.receivers[$0] },
          partitions: mine.map { connections[$0].partition }, startOffsets: first, start: start,
          secondsExpected: seconds, logs: view.published)
        return try WorkerThread {
          Handover(consumer.run(at: places.consumers))
        }
      }
      let loop = SendLoop(
        sockets: network.senders, stop: run.trial.stop, wake: wake, trialStart: start)
      let choice = run.trial.transfer
      sender = try WorkerThread {
        loop.run {
          try places.log.apply()
          guard let choice else { throw ServiceThreadEnded() }
          // Catching up counts from there.
          try SystemLoadClock().sleep(until: start)
          let resources = TransferResources()
          return try connections.enumerated().map { number, connection in
            try LogSender(
              view.published[connection.partition], view.streams[connection.partition],
              .tail(wake), by: choice, resources, to: network.senders[number],
              callBytes: parameters.callBytes)
          }
        }
      }
    }

    /// Who fails first resets the connections: what the other side says then is not the cause.
    static func isOnlyReset(_ error: any Error) -> Bool {
      (error as? SystemCallError)?.number.meansPeerIsGone == true
    }

    /// Waits until everything up to `offsets` is read.
    func finish(_ offsets: [Offset]) -> [ConsumerOutcome] {
      ends.set(offsets)
      senderWake?.end()
      for inbox in inboxes { inbox.wake.signal.raise() }
      let sent = sender?.join()
      var outcomes = readers.compactMap { $0.join()?.value }
      if let error = sent?.error, !outcomes.isEmpty,
        outcomes.allSatisfy({ $0.error.map(Self.isOnlyReset) ?? true })
      {
        outcomes[0].error = error
      }
      return outcomes
    }
  }
}

extension ResourceUsage {
  /// User and system time.
  package var seconds: Double { Double(userNanoseconds + systemNanoseconds) / 1e9 }
}
