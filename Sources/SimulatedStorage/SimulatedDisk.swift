import LinuxIO

/// An in-memory disk with a file system that fails on purpose, deterministic from its seeds.
/// `SimulatedFileIO` makes the calls; this is the hardware under them, and the tests' way in.
///
/// **What is durable.** The content and size of a file as of the last successful
/// `synchronizeData`; a name as of the last successful `synchronizeDirectory` of its directory.
/// Synchronizing a file does not make its name durable.
///
/// **What a power cut leaves** besides that is drawn from a seed (`powerCut`):
/// - each granule (512-byte sector or 4 KiB page) of each unsynchronized write for itself, as it
///   was before or after any of the writes to it: so writes are torn and persist out of order;
/// - of an unsynchronized growth all, a part or nothing; bytes whose write was lost read as zeros,
///   or as what was durable there;
/// - an unsynchronized truncation, or not;
/// - a subset of the unsynchronized operations on names: on one name always a prefix of them, and
///   a rename in whole or not at all.
///
/// **Direct writes** go past the page cache, not past the device's: one that returned is in the
/// device's volatile write cache, and the size is metadata still. They need `synchronizeData` like
/// any other write; a power cut keeps or loses each as a whole, or tears it by sectors.
///
/// **A failed `synchronizeData`** marks the pages clean, as Linux does: the bytes stay visible, a
/// later success does not make them durable (unless a later write makes their sector dirty again),
/// and a power cut keeps or loses them. A failed `synchronizeDirectory` changes nothing.
///
/// **A failed write** (EIO) changed nothing, or, if it was direct, any of its sectors.
///
/// **A store to a mapped file** is a buffered write, but no call: it is not counted as one, takes no
/// part in `operationCount`, and cannot fail. A store that would have been SIGBUS changes nothing from
/// the fatal page on, and is counted (`fatalStoreCount`).
///
/// **A ring** runs each operation that was submitted as the call that it stands for, with the same
/// faults, at a moment and in an order drawn from `SimulatedDiskOptions.ringSeed`. What has not run
/// when the power is cut never does; what has run may be answered much later.
///
/// **Time** is the disk's own: each call takes about what it takes on an SSD, and longer where the
/// plan slows it.
///
/// Any thread may use it; one lock serializes all calls, so a history driven by one thread is
/// deterministic and costs little.
package final class SimulatedDisk: Sendable {
  let state: Lock<DiskState>

  /// An empty disk with a root directory, which is also the working directory.
  package init(_ options: SimulatedDiskOptions = .init(), faults: FaultPlan = .init()) {
    var fresh = DiskState(options)
    fresh.set(faults)
    state = Lock(fresh)
  }

  private init(_ state: DiskState) { self.state = Lock(state) }

  /// The disk as a power cut at this moment leaves it: closed files, no locks, counters at zero,
  /// no faults planned. This disk goes on unharmed. The same history and seed give the same disk.
  package func powerCut(
    seed: UInt64, _ survival: Survival = .seeded
  ) -> SimulatedDisk {
    SimulatedDisk(state.withLock { $0.afterPowerCut(seed: seed, survival) })
  }

  /// The disk as the end of every process on it (SIGKILL) at this moment leaves it: closed files, no
  /// locks, no faults planned, and everything that was written, synchronized or not. What a ring had
  /// not run never runs. This disk goes on unharmed.
  package func processKill() -> SimulatedDisk {
    SimulatedDisk(state.withLock { $0.afterProcessKill() })
  }

  /// The disk's clock: calls take time, longer ones where the plan slows them, and `wait` passes it.
  /// It goes on over power cuts.
  package var elapsedNanoseconds: Int64 { state.withLock { $0.elapsedNanoseconds } }

  /// Lets time pass in which nothing is asked of the disk.
  package func wait(nanoseconds: Int64) { state.withLock { $0.elapsedNanoseconds += nanoseconds } }

  /// A digest of every call so far, over power cuts and process kills: equal histories have equal
  /// ones, in any build.
  package var historyDigest: UInt64 { state.withLock { $0.digest.value } }

  /// Replaces the faults to come; scripts count calls from here on.
  package func set(_ plan: FaultPlan) { state.withLock { $0.set(plan) } }

  /// How many calls were made so far, failed ones included.
  package var operationCount: Int { state.withLock { $0.operationCount } }

  /// How many calls failed because the plan said so, or for want of space; not for want of power.
  package var faultCount: Int { state.withLock { $0.faultCount } }

  /// True from the call on that the plan names for the power cut.
  package var isPowerOff: Bool { state.withLock { $0.isPowerOff } }
}
