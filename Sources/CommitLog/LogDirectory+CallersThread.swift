// What only a directory can do whose logs belong to the caller's thread: a test's, a tool's, a
// simulator's.
extension LogDirectory {
  /// Group commit over all partitions; see `BackendDrivers.commit`.
  package func commit() throws(LogError) {
    var failure = FirstError()
    for shard in shards { failure.note { () throws(LogError) in try shard.commit() } }
    try failure.rethrow()
  }

  /// Hands out completions of asynchronous backends; with `waiting`, at least one where any is due.
  package func poll(waiting: Bool = true) throws(LogError) {
    var failure = FirstError()
    for shard in shards {
      failure.note { () throws(LogError) in try shard.poll(waiting: waiting) }
    }
    try failure.rethrow()
  }

  /// What is due in a directory whose logs belong to the caller's thread: flushes under `interval`,
  /// and `maintain`. Call it about as often as the smallest `flush.ms`.
  package func tick(_ now: LogTime) throws(LogError) {
    var failure = FirstError()
    for shard in shards {
      failure.note { () throws(LogError) in try shard.flushDue(try shard.logsToFlush(now)) }
    }
    failure.note { () throws(LogError) in try maintain(now) }
    try failure.rethrow()
  }
}
