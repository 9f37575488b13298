import CommitLog
import LogRuntime

/// What the broker does on the shards' threads, beside appending.
struct ShardWatch: ShardObserver {
  // The services have the threads that have this.
  unowned let services: BrokerServices

  /// Tells loops whose fetches wait for what was appended.
  func advanced(_ partitions: [LogPartition]) {
    var told: [Int: [LogPartition]] = [:]
    for entry in partitions {
      var loops = entry.takeWaiters()
      while loops != 0 {
        told[loops.trailingZeroBitCount, default: []].append(entry)
        loops &= loops - 1
      }
    }
    for (loop, entries) in told { services.loops[loop].mailbox.post(.advanced(entries)) }
  }

  func failed(_ error: LogError) {
    services.log.limited("tick", "background work failed: \(error)")
  }
}
