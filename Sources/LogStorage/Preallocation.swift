/// How a segment comes by its space on the disk before it is written. One word everywhere: topic
/// setting, suite, CSV.
package enum Preallocation: String, CaseIterable, Hashable, Sendable, Codable {
  /// Each write takes what it needs.
  case none
  /// `fallocate(2)` with KEEP_SIZE ahead of the end: the space is there, the size grows with each
  /// write.
  case fallocate
  /// `fallocate(2)` ahead of the end, size and all: a write changes neither, but its blocks still
  /// turn from unwritten to written.
  case fallocateExtend = "fallocate-extend"
  /// Zeros written and flushed ahead of the end: a write finds everything in place.
  case zero
  /// A segment that retention let go is used again, under a new name; where there is none, as the
  /// backend does by default.
  case recycle
}
