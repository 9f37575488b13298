import CommitLog
import LinuxIO
import LogRuntime
import Records

// Partitions are opened: all of them at the start, and later those that have failed. The openers'
// threads read and recover; what they found is taken here.

/// When a partition that has failed is opened anew: after a second, and then at ever longer intervals,
/// up to a minute, since a disk that fails again is not helped by haste.
struct ReopeningTimes {
  private static let secondsMax = 60

  private var next: [TopicPartition: (second: Int, wait: Int)] = [:]

  /// True where the time has come, which is taken to be used.
  mutating func isDue(_ partition: TopicPartition, second: Int) -> Bool {
    guard let (due, wait) = next[partition] else {
      next[partition] = (second + 1, 1)
      return false
    }
    if second < due { return false }
    let longer = min(wait * 2, Self.secondsMax)
    next[partition] = (second + longer, longer)
    return true
  }

  /// Partitions that have been well for a while begin with a second again.
  mutating func forget(before second: Int) {
    next = next.filter { $0.value.second + 2 * Self.secondsMax >= second }
  }
}

extension LogAdministrator {
  /// Has every partition opened.
  func beginOpenings() {
    let openings = directory.takeOpenings()
    if openings.isEmpty { return tellOpened() }
    for opening in openings { submit(opening) }
  }

  private func submit(_ opening: PartitionOpening) {
    let (services, ended) = (services, endedOpenings)
    services.openers.submit(from: 0) {
      opening.perform()
      let isFirst = ended.withLock { waiting in
        waiting.append(opening)
        return waiting.count == 1
      }
      if isFirst { services.administration.run { $0.takeOpenings() } }
    }
  }

  /// Partitions whose openings have ended are served from here on, or offline.
  private func takeOpenings() {
    let openings = endedOpenings.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    let results = directory.opened(openings)
    var slots: [String: [TopicPartition: PartitionSlot]] = [:]
    for (opening, result) in zip(openings, results) {
      let partition = opening.partition
      switch result {
      case .success(let log):
        slots[partition.topic, default: [:]][partition] = .served(served(log))
        if reopenings.contains(partition) {
          services.log.info(
            "\(partition) takes appends again", ["end": "\(log.published.endOffset)"])
        }
      // The topic is gone, or the broker stops.
      case .failure(.unknownPartition), .failure(.interrupted): continue
      case .failure(let error):
        slots[partition.topic, default: [:]][partition] = .offline
        tellOffline(partition, error)
      }
      reopenings.remove(partition)
    }
    for (topic, changed) in slots { set(changed, of: topic) }
    tellNotices()
    if isStarting && !directory.isOpening { tellOpened() }
  }

  private func tellOpened() {
    isStarting = false
    services.log.info(
      "log opened",
      ["topics": "\(directory.topics.count)", "recovered_bytes": "\(directory.recoveredBytes)"])
  }

  /// Why a partition is offline; once for each that comes to be.
  func tellOffline(_ partition: TopicPartition, _ error: LogError) {
    services.log.error("\(partition) is offline: \(error)")
  }

  /// Gives partitions of a topic other slots in the registry.
  private func set(_ changed: [TopicPartition: PartitionSlot], of topic: String) {
    guard let entry = services.registry.snapshot[topic] else { return }
    var slots = entry.slots
    for (partition, slot) in changed where slots.indices.contains(Int(partition.partition)) {
      slots[Int(partition.partition)] = slot
    }
    let new = TopicEntry(entry.topic, slots)
    services.metrics.add(.partitionsOffline, new.offline.count - entry.offline.count)
    services.registry.set(new, at: services.registry.snapshot.revision)
  }

  // MARK: - After a failure

  /// Once a second: partitions that could not be opened, where the system may be mended since.
  func reopenOffline() {
    for (partition, reason) in directory.offlinePartitions where reason.mayPass {
      reopen(partition)
    }
    reopeningTimes.forget(before: maintenanceCount)
  }

  /// Opens a fenced or offline partition anew, from what is proven to be on the disk, where it is time.
  func reopen(_ partition: TopicPartition) {
    guard reopeningTimes.isDue(partition, second: maintenanceCount),
      let opening = directory.reopen(partition)
    else { return }
    let old = services.registry.snapshot[partition.topic]?.partition(partition.partition)
    set([partition: .opening], of: partition.topic)
    reopenings.insert(partition)
    if let old {
      old.setDeleted()
      wakeWaiters([old])
    }
    submit(opening)
  }
}
