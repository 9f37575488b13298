import KafkaProtocol
import LogRuntime

/// One partition that a fetch asks for.
struct FetchTarget: Sendable {
  let partition: Int32
  let entry: LogPartition?
  let offset: Int64
  let bytesMax: Int
  /// What is known to be wrong before the log is asked.
  let error: KafkaError
}

/// A topic of which a fetch asks for partitions, each once.
struct FetchTopic: Sendable {
  let name: String
  let transfer: String
  private(set) var targets: [FetchTarget] = []
  /// Where each partition is among them.
  private var places: [Int32: Int] = [:]

  init(_ name: String, transfer: String) {
    self.name = name
    self.transfer = transfer
  }

  /// Takes the place of what was said about the partition before.
  mutating func set(_ target: FetchTarget) {
    if let place = places[target.partition] {
      targets[place] = target
    } else {
      places[target.partition] = targets.count
      targets.append(target)
    }
  }
}

/// When a fetch is answered.
struct FetchLimits: Sendable {
  /// Record bytes without which it waits; never more than it may get.
  let bytesMin: Int
  /// Record bytes of the response, but for a first batch that is larger.
  let bytesMax: Int
  /// Monotonic, in nanoseconds: the answer leaves then, with what there is.
  let deadline: Int64
  /// Whether the client reads committed records only: then it is told of aborted transactions.
  let isCommittedOnly: Bool

  init(_ request: FetchRequest, bytesMax: Int, now: Int64) {
    self.bytesMax = min(max(0, Int(request.maxBytes)), bytesMax)
    bytesMin = min(Int(request.minBytes), self.bytesMax)
    deadline = now + Int64(max(0, request.maxWaitMs)) * 1_000_000
    isCommittedOnly = request.isolationLevel == 1
  }
}
