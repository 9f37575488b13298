import CommitLog
import KafkaProtocol
import LogStorage
import Records

// The log's errors as the protocol's codes: converted once, here.

extension KafkaError {
  /// What a client is told when the log answers so.
  init(_ error: LogError) {
    switch error {
    // It would fail again: no retriable code.
    case .storage(let failure) where failure.isUnsupported: self = .invalidConfig
    case .storage, .system, .fenced, .lostBehindFailure, .directoryInUse, .noDirectory,
      .damaged, .interrupted, .notRepairable, .topicOffline:
      self = .kafkaStorageError
    case .opening: self = .notLeaderOrFollower
    case .batch: self = .corruptMessage
    case .batchTooLarge: self = .recordListTooLarge
    case .offsetOutOfRange: self = .offsetOutOfRange
    case .unknownBackend, .invalidSetting: self = .invalidConfig
    case .topicExists: self = .topicAlreadyExists
    case .unknownTopic, .unknownPartition: self = .unknownTopicOrPartition
    case .invalidTopicName: self = .invalidTopicException
    case .invalidPartitionCount, .partitionCountNotRaised: self = .invalidPartitions
    }
  }
}

extension RequestRefusal {
  /// Why an idempotent producer's batch is not the one that comes next (KIP-98).
  init(_ fault: ProducerFault, _ batch: RecordBatchHeader) {
    let producer = "producer \(batch.producerID), epoch \(batch.producerEpoch)"
    switch fault {
    case .outOfOrderSequence(let expected, let found):
      self.init(
        .outOfOrderSequenceNumber, "\(producer): found sequence \(found), expected \(expected)")
    case .staleEpoch(let current, let found):
      self.init(.invalidProducerEpoch, "\(producer): found epoch \(found), expected \(current)")
    case .duplicateSequence:
      self.init(
        .duplicateSequenceNumber,
        "\(producer): sequence \(batch.baseSequence) was appended before, longer ago than is "
          + "remembered")
    }
  }
}
