import LinuxIO
import SimulatedStorage

/// One thing that happens in a history. A step holds all that it needs, seeds too, so that the steps
/// around it can be taken away and it stays what it is.
package enum HistoryStep: Hashable, Sendable {
  /// These batches are appended, one after the other.
  case append(partition: Int, batches: [BatchShape])
  /// The append loop ends its round: flushes what is owed, tells of what has completed. `isIdle`: it
  /// waits for a completion.
  case round(isIdle: Bool)
  /// Time passes, and then a tick, whose flush is waited for.
  case tick(afterMilliseconds: Int64)
  case checkpoint
  /// A checkpoint begins that flushes first what no flush covers; where one has begun, its flushes are
  /// made, and it ends.
  case backgroundFlush
  /// A partition that is fenced, or could not be opened, is opened anew while the process goes on.
  case mend(partition: Int)
  case roll(partition: Int)
  case retention
  /// The machine's wall clock is set this far ahead of the true time, or behind.
  case setClock(aheadMilliseconds: Int64)
  /// The topic's backend from the next segment on, by its place in the list of backends.
  case changeBackend(Int)
  /// A reader looks up some of what is there, by offset and by time, and reads it.
  case read(partition: Int)
  /// Something happens to the index files of a partition.
  case loseIndexes(partition: Int, IndexLoss)
  /// What goes wrong from here on, until the next start of the process.
  case faults(DiskFaults)
  /// The power goes at the nth call from here, whatever makes it.
  case powerCutAhead(calls: Int, seed: UInt64)
  /// The power goes now.
  case powerCut(seed: UInt64, Recovery)
  /// The process is killed and another one opens the log.
  case kill(Recovery)
  /// A clean stop, and another start.
  case reopen
  /// A bit of a stored file flips.
  case bitRot(seed: UInt64)

  /// How a batch looks; its records are numbered as the history goes.
  package struct BatchShape: Hashable, Sendable {
    package var recordCount: Int
    package var valueBytes: Int
    /// How long before the append the first record's timestamp lies.
    package var ageMilliseconds: Int64

    package init(
      recordCount: Int, valueBytes: Int, ageMilliseconds: Int64
    ) {
      self.recordCount = recordCount
      self.valueBytes = valueBytes
      self.ageMilliseconds = ageMilliseconds
    }
  }

  package enum IndexLoss: Hashable, Sendable {
    case removed
    /// Cut to this share of its bytes, in 1/256, or grown where that is above 256.
    case resized(Int)
    case overwritten(seed: UInt64)
  }

  /// How the recovery after a stop goes.
  package struct Recovery: Hashable, Sendable {
    /// The power goes at this call of the first recovery, where it makes so many.
    package var powerCutAtCall: Int?
    /// What goes wrong during the first recovery.
    package var faults: DiskFaults?
    package init(powerCutAtCall: Int? = nil, faults: DiskFaults? = nil) {
      self.powerCutAtCall = powerCutAtCall
      self.faults = faults
    }
  }

  package struct DiskFaults: Hashable, Sendable {
    /// One error; nil where there is none.
    package var script: FaultPlan.Script?
    /// The disk is full when this many more bytes are used.
    package var bytesLeft: Int?
    package var shortProbability = 0.0
    package var slowProbability = 0.0
    package var slowMilliseconds: Int64 = 0
    /// For which transfers are short, and which calls slow.
    package var seed: UInt64 = 0

    /// True where calls can fail; short and slow ones do not.
    package var canFail: Bool { script != nil || bytesLeft != nil }
  }
}

extension HistoryStep: CustomStringConvertible {
  package var description: String {
    switch self {
    case .append(let partition, let batches):
      "append to t-\(partition): " + batches.map(\.description).joined(separator: ", ")
    case .round(let isIdle): isIdle ? "a round that waits" : "a round"
    case .tick(let milliseconds): "\(milliseconds) ms pass, then a tick"
    case .checkpoint: "checkpoint"
    case .backgroundFlush: "a background flush begins, or ends"
    case .mend(let partition): "open t-\(partition) anew"
    case .roll(let partition): "roll t-\(partition)"
    case .retention: "retention"
    case .setClock(let milliseconds):
      "the wall clock is set to \(milliseconds) ms ahead of the true time"
    case .changeBackend(let index): "change to backend \(index)"
    case .read(let partition): "read from t-\(partition)"
    case .loseIndexes(let partition, let loss): "the indexes of t-\(partition) are \(loss)"
    case .faults(let faults): "from here on: \(faults)"
    case .powerCutAhead(let calls, let seed): "power goes at call \(calls) from here, seed \(seed)"
    case .powerCut(let seed, let recovery): "power cut, seed \(seed)\(recovery)"
    case .kill(let recovery): "process kill\(recovery)"
    case .reopen: "clean stop and start"
    case .bitRot(let seed): "a bit flips, seed \(seed)"
    }
  }
}

extension HistoryStep {
  /// The description, with the backend's name where it has one.
  func text(_ backends: [CrashBackend]) -> String {
    if case .changeBackend(let index) = self {
      return "change the topic's backend to \(backends[index % backends.count].name)"
    }
    return description
  }
}

extension HistoryStep.BatchShape: CustomStringConvertible {
  package var description: String {
    "\(recordCount) x \(valueBytes) bytes"
      + (ageMilliseconds == 0 ? "" : " of \(ageMilliseconds) ms ago")
  }
}

extension HistoryStep.IndexLoss: CustomStringConvertible {
  package var description: String {
    switch self {
    case .removed: "removed"
    case .resized(let share): "resized to \(share)/256"
    case .overwritten(let seed): "overwritten, seed \(seed)"
    }
  }
}

extension HistoryStep.Recovery: CustomStringConvertible {
  package var description: String {
    (powerCutAtCall.map { "; power goes at call \($0) of the recovery" } ?? "")
      + (faults.map { "; during the recovery: \($0)" } ?? "")
  }
}

extension HistoryStep.DiskFaults: CustomStringConvertible {
  package var description: String {
    var parts: [String] = []
    if let script {
      let place = script.pathSuffix.isEmpty ? "" : " of *\(script.pathSuffix)"
      parts.append(
        "\(script.error) at \(script.operation) \(script.nth)\(place)"
          + (script.goesOn ? " and every one after it" : ""))
    }
    if let bytesLeft { parts.append("no space after \(bytesLeft) bytes") }
    if shortProbability > 0 { parts.append("\(shortProbability) of the transfers are short") }
    if slowProbability > 0 {
      parts.append("\(slowProbability) of the calls take \(slowMilliseconds) ms longer")
    }
    return parts.isEmpty ? "nothing goes wrong" : parts.joined(separator: ", ")
  }
}
