/// What happened in one history, or in many.
package struct HistoryTally: Hashable, Sendable {
  package var histories = 0
  package var powerCuts = 0
  package var kills = 0
  package var cleanStops = 0
  /// Power cuts during a recovery.
  package var recoveryCuts = 0
  /// Partitions that were opened anew while the process went on.
  package var mends = 0
  package var acknowledgedRecords = 0
  /// Power cuts that took something acknowledged.
  package var lossyCuts = 0
  package var lostRecords = 0
  /// The most that one power cut took of one partition.
  package var lostRecordsMax = 0
  package var lostBytesMax = 0
  /// How old the oldest record was that a power cut took.
  package var lostNanosecondsMax: Int64 = 0
  package var violations = 0

  package init() {}

  package mutating func add(_ other: HistoryTally) {
    histories += other.histories
    powerCuts += other.powerCuts
    kills += other.kills
    cleanStops += other.cleanStops
    recoveryCuts += other.recoveryCuts
    mends += other.mends
    acknowledgedRecords += other.acknowledgedRecords
    lossyCuts += other.lossyCuts
    lostRecords += other.lostRecords
    lostRecordsMax = max(lostRecordsMax, other.lostRecordsMax)
    lostBytesMax = max(lostBytesMax, other.lostBytesMax)
    lostNanosecondsMax = max(lostNanosecondsMax, other.lostNanosecondsMax)
    violations += other.violations
  }

  package mutating func add(_ loss: Loss) {
    if loss.records == 0 { return }
    lossyCuts += 1
    lostRecords += loss.records
    lostRecordsMax = max(lostRecordsMax, loss.records)
    lostBytesMax = max(lostBytesMax, loss.bytes)
    lostNanosecondsMax = max(lostNanosecondsMax, loss.nanoseconds)
  }
}
