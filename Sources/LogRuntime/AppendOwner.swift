import CommitLog
import Records

/// Whoever hands batches to an `AppendLoop`.
package protocol AppendOwner: AnyObject {
  /// A batch has ended: the one that was submitted as `part`. Called once for each, on the loop's
  /// thread, within `submit` or `round`. Of the loop only `takeBuffer` may be called from here.
  func appendEnded(_ part: Int, _ end: AppendEnd)
}

/// How an append ended.
package enum AppendEnd: Hashable, Sendable {
  /// It is in the log, as the topic's durability says.
  case acknowledged(AppendedBatch)
  /// It is not acknowledged. It is not in the log, or, after `fenced` and where a backend's calls
  /// failed, in doubt: a shard whose backend fails ends all that waits there.
  case failed(LogError)
  /// It was not appended: its producer is out of step.
  case refused(ProducerFault)
}

/// Where a batch lies.
package struct AppendedBatch: Hashable, Sendable {
  package let baseOffset: Offset
  /// Milliseconds since 1970; nil where the topic's timestamps are its producers'.
  package let appendTime: Int64?
  /// True where it had been appended before, and its producer has sent it again.
  package let isDuplicate: Bool
}
