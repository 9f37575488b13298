/// The asynchronous half of the lower seam: files whose writes and flushes go through a ring.
///
/// `LinuxFileIO` gives an io_uring, `SimulatedFileIO` a ring that completes when and in what order
/// a seed says, so that crash tests run the very backend that ships.
package protocol RingIO: FileIO {
  associatedtype Ring: SubmissionRing

  /// A ring that takes `depth` operations at once, for the calling thread alone
  /// (`io_uring_setup(2)`). Throws where the system has no io_uring, or forbids it.
  func makeRing(depth: Int) throws(SystemCallError) -> Ring
}

/// A file as a ring knows it.
package struct RingFile: Hashable, Sendable {
  package let number: FileNumber
  /// The slot in the ring's table of files, which spares the kernel a look-up for each operation;
  /// nil where the table is full.
  package let slot: Int?
  package init(number: FileNumber, slot: Int?) {
    self.number = number
    self.slot = slot
  }
}

/// An operation that ended.
package struct RingCompletion: Hashable, Sendable {
  /// What the operation was queued under.
  package let tag: UInt64
  /// Bytes written, or 0 after a flush, or why it failed.
  package let result: Result<Int, ErrorNumber>
  package init(tag: UInt64, result: Result<Int, ErrorNumber>) {
    self.tag = tag
    self.result = result
  }
}

/// A queue of writes and flushes of which many are under way at once, and end in any order.
///
/// Belongs to the thread that made it. Memory that is being written must stay as it is and where it
/// is until the completion. Operations run in parallel: a flush covers a write only where the
/// write's completion was seen before, or where the write is linked to it.
package protocol SubmissionRing: AnyObject {
  /// How many operations can be queued and not yet submitted.
  var depth: Int { get }

  /// Makes the file known to the ring.
  func register(_ file: FileNumber) -> RingFile

  /// Forgets a file on which nothing is under way.
  func unregister(_ file: RingFile)

  /// Pins memory that lives as long as the ring, once, so that writes from it are spared the
  /// pinning. False where the system has no room for that (RLIMIT_MEMLOCK): then it is memory like
  /// any other.
  func registerMemory(_ memory: UnsafeMutableRawBufferPointer) -> Bool

  /// Queues a write; false where the queue is full. Fewer bytes than asked is a legal outcome.
  /// `isRegistered` where the bytes lie in the registered memory. With `link`, the operation queued
  /// next begins when this one has ended in full, and is cancelled (ECANCELED) where it does not.
  func write(
    _ file: RingFile, _ bytes: UnsafeRawBufferPointer, at position: Int64, isRegistered: Bool,
    link: Bool, tag: UInt64
  ) -> Bool

  /// Queues `fdatasync`; false where the queue is full.
  func synchronizeData(_ file: RingFile, link: Bool, tag: UInt64) -> Bool

  /// Hands what is queued to the system, and waits until so many completions are there.
  func submit(waitingFor count: Int) throws(SystemCallError)

  /// One completion, where there is one.
  func next() -> RingCompletion?
}
