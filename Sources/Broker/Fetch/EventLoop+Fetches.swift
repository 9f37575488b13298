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

  /// What a request asks for, each partition once: the last mention holds, in the place of the first, as
  /// with Kafka.
  private func asked(_ request: FetchRequest) -> [FetchTopic] {
    let snapshot = topics.current()
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
        var error = KafkaError.none
        if entry == nil {
          error = .unknownTopicOrPartition
        } else if partition.currentLeaderEpoch > 0 {
          error = .unknownLeaderEpoch
        }
        topics[place].set(
          FetchTarget(
            partition: partition.partition, entry: entry, offset: partition.fetchOffset,
            bytesMax: Int(max(0, partition.partitionMaxBytes)), error: error))
      }
    }
    return topics
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
    // A client that ends its side while its fetch waits has gone, mostly: it would be found out only
    // when it is written to.
    let waits = !connection.isLeaving && !isStopping && now < job.limits.deadline
    if result.suffices(job) || !waits {
      return connection.fill(job.slot, .respond(job.respond(result)))
    }
    park(job, connection, seen: result)
  }

  // MARK: - Waiting

  private func park(_ job: FetchJob, _ connection: Connection, seen: FetchResult) {
    job.letRequestGo()
    job.remember(seen)
    connection.parked = job
    parkedCount += 1
    nextFetchDeadline = min(nextFetchDeadline, job.limits.deadline)
    for entry in job.entries {
      fetchWaiters[entry.id, default: []].insert(connection.id)
      entry.awaitAppends(thread: number)
    }
    // What was appended since the look began told nobody.
    let moved = zip(job.entries, seen.partitions).compactMap { entry, found in
      entry.published.endOffset.rawValue != found.endBefore ? entry : nil
    }
    if !moved.isEmpty { mailbox.post(.advanced(moved)) }
  }

  func unpark(_ connection: Connection) {
    guard let job = connection.parked else { return }
    connection.parked = nil
    parkedCount -= 1
    for entry in job.entries {
      fetchWaiters[entry.id]?.remove(connection.id)
      if fetchWaiters[entry.id]?.isEmpty == true { fetchWaiters[entry.id] = nil }
    }
  }

  /// Of the fetches that wait for these partitions, answers those that have enough now.
  func wakeFetches(_ partitions: [LogPartition]) {
    for entry in partitions {
      guard let waiting = fetchWaiters[entry.id] else { continue }
      // Before the look: what is appended after it tells this loop again.
      entry.awaitAppends(thread: number)
      for id in waiting {
        guard let connection = connections[id], let job = connection.parked else { continue }
        if job.suffices(with: entry) { wake(connection) }
      }
    }
  }

  private func wake(_ connection: Connection) {
    guard let job = connection.parked else { return }
    unpark(connection)
    lookUp(job, connection)
    schedule(connection)
  }

  /// Answers a waiting fetch with what there is.
  func answerParked(_ connection: Connection) { wake(connection) }

  /// Answers the fetches whose time has come, and finds out when the next one's does.
  func answerDueFetches() {
    nextFetchDeadline = .max
    if parkedCount == 0 { return }
    for connection in connections.values {
      guard let job = connection.parked else { continue }
      if job.limits.deadline <= now {
        wake(connection)
      } else {
        nextFetchDeadline = min(nextFetchDeadline, job.limits.deadline)
      }
    }
  }
}
