/// When recovery points are due: after so much time, or after so many bytes, whichever comes first.
///
/// What a recovery has to read after a kill is what was appended since the last checkpoint. The
/// defaults are half of what is promised, 60 s and 1 GiB, since a checkpoint's flushes take time too.
package struct CheckpointSchedule: Sendable {
  package var milliseconds: Int64 = 30_000
  package var bytes: Int64 = 256 << 20
  private var last: (nanoseconds: Int64, bytes: Int64)?

  package init() {}

  /// True where one is due, which is taken to be made then. The first call only begins.
  mutating func isDue(_ now: LogTime, _ appendedBytes: Int64) -> Bool {
    let present = (now.monotonicNanoseconds, appendedBytes)
    guard let last else {
      self.last = present
      return false
    }
    let isDue =
      present.0 - last.nanoseconds >= milliseconds * 1_000_000
      || appendedBytes - last.bytes >= bytes
    if isDue { self.last = present }
    return isDue
  }
}
