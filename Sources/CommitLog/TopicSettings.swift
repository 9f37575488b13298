import LogStorage

/// Which clock a topic's timestamps are of (`message.timestamp.type`).
package enum TimestampSource: String, CaseIterable, Hashable, Sendable {
  case createTime = "CreateTime"
  case appendTime = "LogAppendTime"
}

/// What becomes of a topic's old segments (`cleanup.policy`).
package enum CleanupPolicy: String, CaseIterable, Hashable, Sendable { case delete }

/// How a topic's batches are compressed (`compression.type`).
package enum CompressionType: String, CaseIterable, Hashable, Sendable { case producer }

/// What a topic decides for its partitions. `TopicSettings.table` has the settings' names and what
/// each accepts.
package struct TopicSettings: Hashable, Sendable {
  package static let partitionCountMax = 100_000

  /// `segment.bytes`: a segment rolls before it grows past this.
  package var segmentBytes: Int = 1 << 30
  /// `segment.ms`: a segment rolls when an append's timestamp is this far past its first one.
  package var segmentMilliseconds: Int64 = 7 * 24 * 3_600_000
  /// `index.interval.bytes`: about one index entry for so many bytes of log.
  package var indexIntervalBytes: Int = 4096
  /// `retention.ms`: whole segments whose newest record is older are deleted; nil keeps them.
  package var retentionMilliseconds: Int64?
  /// `retention.bytes`: oldest segments are deleted while the log is larger; nil keeps them.
  package var retentionBytes: Int64?
  /// `message.timestamp.type`.
  package var timestampSource = TimestampSource.createTime
  /// `varve.durability`.
  package var durability = Durability.none
  /// `flush.ms`: under `interval`, the longest that an append stays unflushed.
  package var flushMilliseconds: Int64 = 1000
  /// `varve.flush.bytes`: under `interval`, the most bytes that stay unflushed.
  package var flushBytes: Int64 = 64 << 20
  /// `varve.backend`: the name of the backend of segments that begin from now on.
  package var backend: String

  /// `varve.preallocation`: how segments that begin from now on come by their space; nil is the
  /// backend's own way.
  package var preallocation: Preallocation?

  /// `max.message.bytes`: the largest batch that the topic takes. Whoever takes batches from clients
  /// checks it; the log itself only needs a batch to fit a segment.
  package var messageBytesMax: Int = 1_048_588
  /// `varve.transfer`: the name of the way from the log to a consumer's socket. The log does not know
  /// the names.
  package var transfer = "sendfile"
  package var cleanupPolicy = CleanupPolicy.delete
  package var compression = CompressionType.producer
  /// `message.timestamp.before.max.ms`: by how much a record's timestamp may lie in the past.
  package var timestampBeforeMaxMilliseconds = Int64.max
  /// `message.timestamp.after.max.ms`: by how much a record's timestamp may lie in the future.
  package var timestampAfterMaxMilliseconds: Int64 = 3_600_000

  package init(backend: String) { self.backend = backend }
}
