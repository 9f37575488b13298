import CommitLog
import KafkaProtocol

// Topics by their ids (KIP-516).

extension TopicEntry {
  var wireID: UUIDBits { UUIDBits(high: topic.id.high, low: topic.id.low) }
}

extension ClusterSnapshot {
  /// The names of all topics by their ids, where one of `asked` is an id; else nothing.
  func namesByID(_ asked: some Sequence<UUIDBits>) -> [UUIDBits: String] {
    guard asked.contains(where: { $0 != .zero }) else { return [:] }
    return Dictionary(all.map { ($0.wireID, $0.name) }, uniquingKeysWith: { first, _ in first })
  }
}
