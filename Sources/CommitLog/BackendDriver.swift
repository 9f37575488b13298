import LogStorage
import Records

/// One backend and the partitions that append through it: sends completions to where they belong
/// and shares flushes among partitions. Belongs to one I/O thread, like all of `PartitionLog`.
package final class BackendDriver {
  let backend: any AnyStorageBackend
  private var owners: [SegmentID: PartitionLog] = [:]
  private var flushes: [FlushTicket: [FlushPromise]] = [:]
  /// Partitions under `group` with written batches that no flush covers yet, in order.
  private var waiting: [PartitionLog] = []
  /// True while completions are handed out, when the backend must not be called.
  private var isReaping = false
  private var toAbandon: [SegmentID] = []
  /// Partitions with a failed append and nothing queued any more.
  private var toRepair: [PartitionLog] = []

  init(_ backend: any AnyStorageBackend) { self.backend = backend }

  func register(_ log: PartitionLog, _ segment: SegmentID) { owners[segment] = log }

  func unregister(_ segment: SegmentID) { owners[segment] = nil }

  /// For a log that is dropped with its segment open: nothing here holds it any more.
  func forget(_ log: PartitionLog) {
    // Segments that ended, or were given up, are none of its any more.
    if let segment = log.active?.id, owners[segment] === log { owners[segment] = nil }
    waiting.removeAll { $0 === log }
    toRepair.removeAll { $0 === log }
    for (ticket, promises) in flushes {
      flushes[ticket] = promises.filter { $0.log !== log }
    }
  }

  /// Notes that this partition's next acknowledgement waits for the group's commit.
  func joinGroup(_ log: PartitionLog) { waiting.append(log) }

  /// One flush for every partition that joined the group since the last, at most so many: group
  /// commit.
  func commitGroup(_ membersMax: Int) throws(LogError) {
    if waiting.isEmpty { return }
    let members = Array(waiting.prefix(membersMax))
    waiting.removeFirst(members.count)
    try flush(members)
  }

  /// True where partitions of the group wait for a flush.
  var hasGroup: Bool { !waiting.isEmpty }

  /// Begins one flush over the active segments of `logs`, and hands out what has completed.
  func flush(_ logs: [PartitionLog]) throws(LogError) {
    var promises: [FlushPromise] = []
    promises.reserveCapacity(logs.count)
    for log in logs {
      if let promise = log.promiseFlush(self) { promises.append(promise) }
    }
    if promises.isEmpty { return }
    let ticket = backend.flush(promises.map(\.segment))
    flushes[ticket] = promises
    try poll(waiting: false)
  }

  /// Hands out what has completed; with `waiting`, at least one thing where any is under way.
  func poll(waiting: Bool) throws(LogError) {
    try reap(waiting: waiting)
    // Now, not at the next append: there may be none, and those before wait for their flush.
    while let log = toRepair.popLast() { try log.settleFailure() }
  }

  /// Called while completions are handed out: the partition is cut back right after.
  func repairAfterReaping(_ log: PartitionLog) { toRepair.append(log) }

  private func reap(waiting: Bool) throws(LogError) {
    isReaping = true
    defer {
      isReaping = false
      for segment in toAbandon { backend.abandon(segment) }
      toAbandon.removeAll()
    }
    do throws(StorageError) {
      _ = try backend.reap(waiting: waiting) { completion in
        switch consume completion {
        case .append(let append): owners[append.segment]?.completed(append)
        case .flush(let flush): finish(flush)
        }
      }
    } catch { throw .storage(error) }
  }

  /// Lets a segment go after a failure; at once, or when the completions are handed out.
  func abandon(_ segment: SegmentID) {
    owners[segment] = nil
    if isReaping { toAbandon.append(segment) } else { backend.abandon(segment) }
  }

  private func finish(_ completion: FlushCompletion) {
    guard let promises = flushes.removeValue(forKey: completion.ticket) else { return }
    for promise in promises {
      promise.log.flushed(promise, failure: completion.failures[promise.segment])
    }
  }
}

/// What becomes durable when a flush succeeds.
struct FlushPromise {
  let log: PartitionLog
  let segment: SegmentID
  let offset: Offset
  let position: FilePosition
  /// Failed appends that the partition had seen when the flush began.
  let generation: Int
}

/// The backends of one I/O thread by name, each made when it is first asked for. The factory comes
/// from the program, the only place that knows the types.
package final class BackendDrivers {
  private let make: (String) throws(LogError) -> any AnyStorageBackend
  /// In the order of their making, so that a history does not depend on chance.
  private var drivers: [(name: String, driver: BackendDriver)] = []

  package init(_ make: @escaping (String) throws(LogError) -> any AnyStorageBackend) {
    self.make = make
  }

  package func driver(_ name: String) throws(LogError) -> BackendDriver {
    if let found = drivers.first(where: { $0.name == name }) { return found.driver }
    let driver = BackendDriver(try make(name))
    drivers.append((name, driver))
    return driver
  }

  /// Group commit: one flush for each backend makes durable, and acknowledges, everything that was
  /// appended under `group` since the last call, in the first `membersMax` partitions; true where
  /// others are left. Ends when it is done.
  @discardableResult
  package func commit(_ membersMax: Int = .max) throws(LogError) -> Bool {
    // One backend's failure keeps no other's batches waiting.
    var failure = FirstError()
    for (_, driver) in drivers {
      failure.note { () throws(LogError) in try driver.commitGroup(membersMax) }
    }
    try failure.rethrow()
    return drivers.contains { $0.driver.hasGroup }
  }

  /// Begins one flush for each backend over those of `logs` that append through it.
  func flush(_ logs: [PartitionLog]) throws(LogError) {
    if logs.isEmpty { return }
    var failure = FirstError()
    for (_, driver) in drivers {
      let own = logs.filter { $0.active?.driver === driver }
      if own.isEmpty { continue }
      failure.note { () throws(LogError) in try driver.flush(own) }
    }
    try failure.rethrow()
  }

  /// For a log that is dropped: no backend holds it any more.
  func forget(_ log: PartitionLog) {
    for (_, driver) in drivers { driver.forget(log) }
  }

  /// Hands out completions of every backend, also of those behind one that fails.
  package func poll(waiting: Bool) throws(LogError) {
    var failure = FirstError()
    for (_, driver) in drivers {
      failure.note { () throws(LogError) in try driver.poll(waiting: waiting) }
    }
    try failure.rethrow()
  }
}
