/// When an append is acknowledged, and what survives a power cut.
///
/// A batch is *accepted* (in our memory), then *written* (the kernel or the device has it), then
/// *durable* (it survives a power cut). Acknowledged always means at least written, so a killed
/// process loses nothing that it acknowledged.
package enum Durability: String, CaseIterable, Hashable, Sendable, Codable {
  /// Acknowledged when written; the kernel decides when it reaches the disk.
  case none
  /// Acknowledged when written; fdatasync every so many milliseconds or bytes bounds the loss.
  case interval
  /// Acknowledged when durable: fdatasync of the partition's file before each acknowledgement. A round of
  /// the append loop makes one for all that it appended to the partition.
  case batch
  /// Acknowledged when durable: one flush acknowledges all that waited for it, over partitions.
  case group

  /// True where an acknowledged batch survives a power cut.
  package var acknowledgesDurable: Bool { self == .batch || self == .group }
}
