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

  /// What each of the shard's partitions may be due.
  func lookAround(_ shard: Int, _ now: LogTime) {
    for topic in services.registry.snapshot.all {
      for entry in topic.partitions where entry.shard == shard {
        if entry.log.failure != nil {
          report(entry)
        } else if entry.ledger.isSaveDue {
          services.saveProducers(of: entry, now)
        }
      }
    }
  }

  /// Tells the operator, once, that a partition takes no appends.
  private func report(_ entry: LogPartition) {
    entry.setFenced()
    if entry.isReported { return }
    entry.isReported = true
    services.log.error(
      "\(entry.partition) takes no appends until the broker is started again: "
        + "\(entry.log.failure.map { "\($0)" } ?? "")")
  }
}
