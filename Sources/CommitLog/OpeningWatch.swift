import Synchronization

/// How far the opening of a data directory has come, for who asks meanwhile, and whether it is to
/// go on. From any thread.
package final class OpeningWatch: Sendable {
  /// Looked at between partitions, and after each MiB that is checked.
  package let isStopWanted: @Sendable () -> Bool
  private let partitions = Atomic<Int>(0)
  private let opened = Atomic<Int>(0)
  private let checked = Atomic<Int64>(0)
  /// A stop was wanted at the last look.
  private let stops = Atomic(false)

  package init(isStopWanted: @escaping @Sendable () -> Bool = { false }) {
    self.isStopWanted = isStopWanted
  }

  /// Partitions that there are; 0 before that is known.
  package var partitionCount: Int { partitions.load(ordering: .relaxed) }
  /// Those that are open, or offline.
  package var openedCount: Int { opened.load(ordering: .relaxed) }
  /// Bytes whose CRC was checked.
  package var checkedBytes: Int64 { checked.load(ordering: .relaxed) }

  func begin(_ count: Int) { partitions.store(count, ordering: .relaxed) }
  func noteOpened() { opened.wrappingAdd(1, ordering: .relaxed) }

  /// So many bytes more were checked; false where a stop is wanted, which is looked at with each
  /// MiB.
  func goesOn(checked bytes: Int) -> Bool {
    let (old, new) = checked.wrappingAdd(Int64(bytes), ordering: .relaxed)
    if old >> 20 != new >> 20 && isStopWanted() { stops.store(true, ordering: .relaxed) }
    return !stops.load(ordering: .relaxed)
  }

  /// Throws `interrupted` where a stop is wanted.
  func goOn() throws(LogError) {
    if isStopWanted() { stops.store(true, ordering: .relaxed) }
    if stops.load(ordering: .relaxed) { throw .interrupted }
  }
}
