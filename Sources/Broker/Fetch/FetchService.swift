import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records

/// Fetches of one event loop: looked up, and, where too little is there, parked until appends or
/// the deadline come. Belongs to the loop's thread.
final class FetchService {
  private let context: LoopContext
  private let connections: ConnectionSet
  /// What a fetch waits for, of a partition by its id.
  private enum Event: Hashable {
    /// Anything that becomes of it.
    case any(Int)
    /// That it does more than grow.
    case change(Int)
  }

  private var waiting = Waiting<Event, FetchJob>()
  private var patient = PatientFetches()

  init(_ context: LoopContext, _ connections: ConnectionSet) {
    self.context = context
    self.connections = connections
  }

  /// When the first of those that wait is to be answered at the latest.
  var nextDeadline: Int64 { waiting.nextDeadline }

  private var services: BrokerServices { context.services }

  func begin(
    _ held: HeldRequest, _ connection: Connection, _ slot: Int
  ) throws(WireError) {
    let request: FetchRequest = try held.decode()
    let header = held.header
    // No session is ever opened (KIP-227 allows that), so none can be gone on with.
    if request.sessionId != 0 && request.sessionEpoch > 0 {
      var response = FetchResponse()
      response.errorCode = KafkaError.fetchSessionIdNotFound.rawValue
      let encoded = EncodedResponse(
        response, to: FetchRequest.self, version: header.apiVersion,
        correlationId: header.correlationId)
      return connection.fill(slot, .respond(OutgoingResponse(encoded)))
    }
    let job = FetchJob(
      connection: connection.id, slot: slot, header: header, charge: held.charge,
      limits: FetchLimits(request, bytesMax: services.settings.fetchBytesMax, now: context.now),
      topics: asked(request), readers: connection.readers)
    connection.readers.keep(job.topics)
    lookUp(job, connection)
  }

  /// What a request asks for, each partition once: the last mention holds, in the place of the
  /// first, as with Kafka.
  private func asked(_ request: FetchRequest) -> [FetchTopic] {
    let snapshot = context.cluster()
    var topics: [FetchTopic] = []
    var places: [String: Int] = [:]
    for asked in request.topics {
      let known = snapshot[asked.topic]
      let place = places[asked.topic] ?? topics.count
      if place == topics.count {
        places[asked.topic] = place
        topics.append(FetchTopic(asked.topic, transfer: known?.topic.settings.transfer ?? ""))
      }
      for partition in asked.partitions {
        let entry = known?.partition(partition.partition)
        let error =
          entry.map { $0.fault(ofLeaderEpoch: partition.currentLeaderEpoch) }
          ?? snapshot.fault(of: asked.topic, partition.partition)
        topics[place].set(
          FetchTarget(
            partition: partition.partition, entry: entry, offset: partition.fetchOffset,
            bytesMax: Int(max(0, partition.partitionMaxBytes)), error: error))
      }
    }
    // A name without a partition is no part of an answer, and would be held while the fetch waits.
    return topics.filter { !$0.targets.isEmpty }
  }

  /// Looks a fetch up here where that waits for nothing, else on a read thread.
  private func lookUp(_ job: FetchJob, _ connection: Connection) {
    if let result = job.lookUpWarm() {
      return finish(job, result, connection)
    }
    let mailbox = context.mailbox
    services.readPool.submit(from: context.source(ofConnection: job.connection)) { slice in
      guard let result = job.lookUpWaiting(during: slice) else { return .more }
      mailbox.post(.lookedUp(job, result))
      return .done
    }
  }

  func finishLookup(_ job: FetchJob, _ result: FetchResult) {
    guard let connection = connections[job.connection] else { return }
    finish(job, result, connection)
    connections.schedule(connection)
  }

  private func finish(_ job: FetchJob, _ result: FetchResult, _ connection: Connection) {
    for failure in result.failures { services.log.limited("fetch", "fetch: \(failure)") }
    // A client that ends its side while its fetch waits has gone, mostly: it would be found out
    // only when it is written to.
    let waits =
      !connection.isLeaving && !context.isStopping && !job.waitsNoMore
      && context.now < job.limits.deadline
    if result.suffices(job) || !waits {
      return connection.fill(job.slot, .respond(job.respond(result)))
    }
    park(job, connection, seen: result)
  }

  // MARK: - Waiting

  private func park(_ job: FetchJob, _ connection: Connection, seen: FetchResult) {
    job.letRequestGo()
    job.remember(seen)
    for entry in job.entries { entry.awaitAppends(thread: context.number) }
    // What was appended or deleted since the look began told nobody.
    let isEnough = job.noteAll()
    connection.parked = wait(job)
    if isEnough { context.mailbox.post(.lookAgain(connection: connection.id)) }
  }

  /// From here on the job waits; it has seen its partitions as they are.
  private func wait(_ job: FetchJob) -> Waiting<Event, FetchJob>.Ticket {
    let isPatient = job.missingBytes >= PatientFetches.missingBytesMin
    let keys = job.entries.map { isPatient ? Event.change($0.id) : .any($0.id) }
    let ticket = waiting.add(job, keys: keys, until: job.limits.deadline)
    if isPatient { patient.add(ticket, missingBytes: job.missingBytes, seen: job.seenEnds) }
    patient.dropGone(where: { waiting[$0] == nil }, count: waiting.count)
    return ticket
  }

  /// The connection's fetch waits no more.
  @discardableResult
  func unpark(_ connection: Connection) -> FetchJob? {
    guard let ticket = connection.parked else { return nil }
    connection.parked = nil
    return waiting.remove(ticket)
  }

  /// Of the fetches that wait for these partitions, answers those that have enough now.
  func wake(_ partitions: [LogPartition]) {
    for entry in partitions {
      let told = waiting.tickets(of: .any(entry.id))
      let untold = waiting.tickets(of: .change(entry.id))
      if told.isEmpty && untold.isEmpty {
        // Its appends tell this loop no more.
        patient.forget(entry)
        continue
      }
      // Before the look: what is appended after it tells this loop again.
      entry.awaitAppends(thread: context.number)
      wake(told, with: entry)
      if !patient.note(entry) { wake(untold, with: entry) }
    }
  }

  /// A fetch may have enough by now that is not looked at for each append.
  var hasDue: Bool { patient.hasDue }

  /// In a round: looks at fetches that may have enough by now. A slice at most: each look costs by
  /// the partitions that the fetch waits for, of which none may have grown.
  func lookAgain() {
    if !hasDue { return }
    let slice = TimeSlice(nanoseconds: LoopContext.sliceNanoseconds)
    repeat {
      guard let ticket = patient.takeDue() else { return }
      if let job = waiting[ticket] { lookAgain(job, ticket) }
    } while !slice.isOver
  }

  private func lookAgain(_ job: FetchJob, _ ticket: Int) {
    guard let connection = connections[job.connection] else { return }
    if job.noteAll() { return answerParked(connection) }
    waiting.remove(ticket)
    connection.parked = wait(job)
  }

  private func wake(_ tickets: Set<Int>, with entry: LogPartition) {
    for ticket in tickets {
      if let job = waiting[ticket], job.suffices(with: entry) { wake(job) }
    }
  }

  private func wake(_ job: FetchJob) {
    guard let connection = connections[job.connection] else { return }
    answerParked(connection)
  }

  /// Answers a waiting fetch with what there is, or, where that is too little, lets it wait on if
  /// it may.
  func answerParked(_ connection: Connection, waitingOn: Bool = true) {
    guard let job = unpark(connection) else { return }
    if !waitingOn { job.waitsNoMore = true }
    lookUp(job, connection)
    connections.schedule(connection)
  }

  /// Answers the fetches whose time has come.
  func answerDue() {
    if context.now < waiting.nextDeadline { return }
    for ticket in waiting.due(at: context.now) {
      if let job = waiting[ticket] { wake(job) }
    }
  }
}
