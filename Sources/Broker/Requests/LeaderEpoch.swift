import KafkaProtocol
import LogRuntime
import Records

extension LogPartition {
  /// What is wrong with the epoch that a client believes in (KIP-320); -1 is one that does not say.
  func fault(ofLeaderEpoch asked: Int32) -> KafkaError {
    if asked < 0 || asked == leaderEpoch { return .none }
    return asked < leaderEpoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
  }

  /// Where an epoch ended (KIP-101); nil of one that never was.
  func end(ofLeaderEpoch asked: Int32) -> (epoch: Int32, offset: Int64)? {
    asked == leaderEpoch ? (leaderEpoch, offsets.end.rawValue) : nil
  }
}
