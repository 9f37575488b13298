import CommitLog
import KafkaProtocol
import LinuxIO
import Records

// Fetches: looked up, and, where too little is there, parked until appends or the deadline come.

extension EventLoop {
  func beginFetch(
    _ request: FetchRequest, _ header: RequestHeader, _ connection: Connection, _ slot: Int
  ) {
    // No session is ever opened (KIP-227 allows that), so none can be gone on with.
    if request.sessionId != 0 && request.sessionEpoch > 0 {
      var response = FetchResponse()
      response.errorCode = KafkaError.fetchSessionIdNotFound.rawValue
      let encoded = EncodedResponse(
        response, to: FetchRequest.self, version: header.apiVersion,
        correlationId: header.correlationId)
      return connection.fill(slot, .respond(OutgoingResponse(encoded)))
    }
    let wait = Int64(max(0, request.maxWaitMs)) * 1_000_000
    let bytesMax = min(max(0, Int(request.maxBytes)), services.settings.fetchBytesMax)
    let job = FetchJob(
      connection: connection.id, slot: slot, header: header, request: request,
      targets: targets(of: request), readers: connection.readers, deadline: now + wait,
      bytesMax: bytesMax)
    connection.readers.keep(job.targets)
    lookUp(job, connection)
  }

  private func targets(of request: FetchRequest) -> [FetchTarget] {
    let snapshot = topics.current()
    var targets: [FetchTarget] = []
    for (topicIndex, topic) in request.topics.enumerated() {
      let known = snapshot.topics[topic.topic]
      for partition in topic.partitions {
        let entry = known?.partition(partition.partition)
        var error = KafkaError.none
        if entry == nil {
          error = .unknownTopicOrPartition
        } else if partition.currentLeaderEpoch > 0 {
          error = .unknownLeaderEpoch
        }
        targets.append(
          FetchTarget(
            topicIndex: topicIndex, partition: partition.partition, entry: entry,
            transfer: known?.topic.settings.transfer ?? "", offset: partition.fetchOffset,
            bytesMax: Int(max(0, partition.partitionMaxBytes)), error: error))
      }
    }
    return targets
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
    let waits = !connection.isLeaving && !isStopping && now < job.deadline
    if result.suffices(job) || !waits {
      return connection.fill(job.slot, .respond(job.respond(result)))
    }
    park(job, connection, seen: result)
  }

  // MARK: - Waiting

  private func park(_ job: FetchJob, _ connection: Connection, seen: FetchResult) {
    connection.parked = job
    parkedCount += 1
    nextFetchDeadline = min(nextFetchDeadline, job.deadline)
    for target in job.targets {
      guard let entry = target.entry else { continue }
      fetchWaiters[entry.id, default: []].insert(connection.id)
      entry.awaitAppends(loop: number)
    }
    // What was appended since the look began told nobody.
    for (target, found) in zip(job.targets, seen.partitions) {
      if let entry = target.entry, entry.published.endOffset.rawValue != found.endBefore {
        return mailbox.post(.advanced([entry]))
      }
    }
  }

  func unpark(_ connection: Connection) {
    guard let job = connection.parked else { return }
    connection.parked = nil
    parkedCount -= 1
    for target in job.targets {
      guard let entry = target.entry else { continue }
      fetchWaiters[entry.id]?.remove(connection.id)
      if fetchWaiters[entry.id]?.isEmpty == true { fetchWaiters[entry.id] = nil }
    }
  }

  /// Looks again at the fetches that wait for these partitions.
  func wakeFetches(_ partitions: [PartitionEntry]) {
    var woken: Set<Int> = []
    for entry in partitions { woken.formUnion(fetchWaiters[entry.id] ?? []) }
    for id in woken {
      if let connection = connections[id] { wake(connection) }
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
      if job.deadline <= now {
        wake(connection)
      } else {
        nextFetchDeadline = min(nextFetchDeadline, job.deadline)
      }
    }
  }
}
