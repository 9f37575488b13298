import LinuxIO
import LogRuntime

/// What other threads tell an event loop.
enum LoopMessage: Sendable {
  /// A new connection, which belongs to the loop from now on.
  case adopt(any ByteChannel, Peer)
  /// A request that was served elsewhere has come to this.
  case finished(connection: Int, slot: Int, Outcome)
  /// The produce request has been appended and acknowledged as its topics ask, or has failed.
  case produced(ProduceJob)
  /// A fetch has been looked up by a thread that may wait.
  case lookedUp(FetchJob, FetchResult)
  /// The ends of these partitions have moved, and fetches of this loop wait there.
  case advanced([LogPartition])
  /// The connection's fetch, which waits, has enough.
  case lookAgain(connection: Int)
  /// What the connection sends next is in the page cache up to this position of its file.
  case warmed(connection: Int, end: Int64)
  /// No new requests; what is under way is answered, and the loop ends.
  case stop
}
