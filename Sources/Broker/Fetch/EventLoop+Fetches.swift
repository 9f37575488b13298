import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import Records

// Fetches: looked up, and, where too little is there, parked until appends or the deadline come.

extension EventLoop {
  func beginFetch(
    _ held: HeldRequest, _ connection: Connection, _ slot: Int
  ) throws(WireError) {
    let request: FetchRequest = try decode(held)
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
      limits: FetchLimits(request, bytesMax: services.settings.fetchBytesMax, now: now),
      topics: asked(request), readers: connection.readers)
    connection.readers.keep(job.topics)
    lookUp(job, connection)
  }

  /// What a request asks for, each partition once: the last mention holds, in the place of the
  /// first, as with Kafka.
  private func asked(_ request: FetchRequest) -> [FetchTopic] {
    let snapshot = cluster.current()
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
          ?? .unknownTopicOrPartition
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
    if let result = job.lookUp(waitingAllowed: false) {
      return finish(job, result, connection)
    }
    let mailbox = mailbox
    services.readPool.submit {
      guard let result = job.lookUp(waitingAllowed: true) else { return }
      mailbox.post(.lookedUp(job, result))
    }
  }

  func finishLookup(_ job: FetchJob, _ result: FetchResult) {
    guard let connection = connections[job.connection] else { return }
    finish(job, result, connection)
    schedule(connection)
  }

  private func finish(_ job: FetchJob, _ result: FetchResult, _ connection: Connection) {
    for failure in result.failures { services.log.limited("fetch", "fetch: \(failure)") }
    // A client that ends its side while its fetch waits has gone, mostly: it would be found out
    // only when it is written to.
    let waits =
      !connection.isLeaving && !isStopping && !job.waitsNoMore && now < job.limits.deadline
    if result.suffices(job) || !waits {
      return connection.fill(job.slot, .respond(job.respond(result)))
    }
    park(job, connection, seen: result)
  }

  // MARK: - Waiting

  private func park(_ job: FetchJob, _ connection: Connection, seen: FetchResult) {
    job.letRequestGo()
    job.remember(seen)
    connection.parked = waitingFetches.add(
      job, keys: job.entries.map(\.id), until: job.limits.deadline)
    for entry in job.entries { entry.awaitAppends(thread: number) }
    // What was appended or deleted since the look began told nobody.
    let moved = zip(job.entries, seen.partitions).compactMap { entry, found in
      entry.isDeleted || entry.published.endOffset.rawValue != found.endBefore ? entry : nil
    }
    if !moved.isEmpty { mailbox.post(.advanced(moved)) }
  }

  /// The connection's fetch waits no more.
  @discardableResult
  func unpark(_ connection: Connection) -> FetchJob? {
    guard let ticket = connection.parked else { return nil }
    connection.parked = nil
    return waitingFetches.remove(ticket)
  }

  /// Of the fetches that wait for these partitions, answers those that have enough now.
  func wakeFetches(_ partitions: [LogPartition]) {
    for entry in partitions {
      let tickets = waitingFetches.tickets(of: entry.id)
      if tickets.isEmpty { continue }
      // Before the look: what is appended after it tells this loop again.
      entry.awaitAppends(thread: number)
      for ticket in tickets {
        if let job = waitingFetches[ticket], job.suffices(with: entry) { wake(job) }
      }
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
    schedule(connection)
  }

  /// Answers the fetches whose time has come.
  func answerDueFetches() {
    for ticket in waitingFetches.due(at: now) {
      if let job = waitingFetches[ticket] { wake(job) }
    }
  }
}
