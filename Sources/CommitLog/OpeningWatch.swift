import LinuxIO
import Synchronization

/// How far the opening of a data directory has come, for who asks meanwhile, and whether it is to
/// go on. Each partition's opening has one within that of the directory. From any thread.
package final class OpeningWatch: Sendable {
  /// Looked at between partitions, and after each MiB that is checked.
  package let isStopWanted: @Sendable () -> Bool
  /// The directory's, of a partition's.
  private let whole: OpeningWatch?
  private let partitions = Atomic<Int>(0)
  private let opened = Atomic<Int>(0)
  private let checked = Atomic<Int64>(0)
  private let expected = Atomic<Int64>(0)
  /// A stop was wanted at the last look.
  private let stops = Atomic(false)
  /// Those of the partitions that are being opened.
  private let parts = Lock<[OpeningWatch]>([])

  package init(isStopWanted: @escaping @Sendable () -> Bool = { false }) {
    self.isStopWanted = isStopWanted
    whole = nil
  }

  init(within whole: OpeningWatch) {
    isStopWanted = whole.isStopWanted
    self.whole = whole
  }

  /// Partitions that there are; 0 before that is known.
  package var partitionCount: Int { partitions.load(ordering: .relaxed) }
  /// Those that are open, or offline.
  package var openedCount: Int { opened.load(ordering: .relaxed) }
  /// Bytes whose CRC was checked.
  package var checkedBytes: Int64 { checked.load(ordering: .relaxed) }

  /// The share of the partitions that is done, those that are being opened by their bytes; 0 to 1.
  package var doneShare: Double {
    let running = parts.withLock { $0.reduce(0.0) { $0 + $1.checkedShare } }
    return min(1, (Double(openedCount) + running) / Double(max(1, partitionCount)))
  }

  private var checkedShare: Double {
    let expected = expected.load(ordering: .relaxed)
    return expected == 0 ? 0 : min(1, Double(checkedBytes) / Double(expected))
  }

  func begin(_ count: Int) { partitions.store(count, ordering: .relaxed) }
  /// A partition's: it is open, or offline.
  func noteOpenedInWhole() { whole?.opened.wrappingAdd(1, ordering: .relaxed) }
  /// A partition's: bytes that were checked in all of them.
  var checkedBytesOfAll: Int64 { (whole ?? self).checkedBytes }

  /// A partition's: so many bytes are to be checked.
  func expect(_ bytes: Int64) { expected.store(bytes, ordering: .relaxed) }

  /// A partition's opening begins.
  func begins() { whole?.parts.withLock { $0.append(self) } }
  func ended() { whole?.parts.withLock { $0.removeAll { $0 === self } } }

  /// No other opening is stopped by it.
  func stop() { stops.store(true, ordering: .relaxed) }

  /// So many bytes more were checked; false where a stop is wanted, which is looked at with each
  /// MiB.
  func goesOn(checked bytes: Int) -> Bool {
    whole?.checked.wrappingAdd(Int64(bytes), ordering: .relaxed)
    let (old, new) = checked.wrappingAdd(Int64(bytes), ordering: .relaxed)
    if old >> 20 != new >> 20 && isStopWanted() { stop() }
    return !stops.load(ordering: .relaxed)
  }

  /// Throws `interrupted` where a stop is wanted.
  func goOn() throws(LogError) {
    if isStopWanted() { stop() }
    if stops.load(ordering: .relaxed) { throw .interrupted }
  }
}
