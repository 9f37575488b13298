import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage

/// Appends `KillWorkload`'s batches until it is killed, with all that goes on beside appending:
/// commits, ticks, checkpoints and rolls.
package struct KillAppender {
  private let fixture: LogFixture
  private let durability: Durability
  private var random: SeededGenerator
  /// Accepted, and not known to be acknowledged, in order.
  private var outstanding: [(partition: Int32, receipt: AppendReceipt)] = []

  package init(_ fixture: LogFixture, _ durability: Durability, seed: UInt64) {
    self.fixture = fixture
    self.durability = durability
    random = SeededGenerator(seed: seed)
  }

  /// Ends by itself after `appendsMax` appends or a minute, so that it cannot run away.
  /// `acknowledged` gets a partition and the offset below which all of it is acknowledged.
  package mutating func run(
    appendsMax: Int, acknowledged: (Int32, Offset) -> Void
  ) throws(LogError) {
    let end = MonotonicClock.nanoseconds() + 60_000_000_000
    for _ in 0..<appendsMax {
      let now = MonotonicClock.nanoseconds()
      if now > end { return }
      fixture.now = LogTime(
        monotonicNanoseconds: now, wallMilliseconds: WallClock.milliseconds())
      try step()
      try acknowledge(acknowledged)
    }
  }

  private mutating func step() throws(LogError) {
    let partition = Int32(random.below(Int(KillWorkload.partitionCount)))
    let receipt = try KillWorkload.append(to: fixture, partition)
    outstanding.append((partition, receipt))
    if durability == .group, random.chance(0.25) { try fixture.directory.commit() }
    if outstanding.count >= 16 {
      try fixture.settle()
    } else if outstanding.count > 1 {
      // A backend with a queue completes only when it is asked.
      try fixture.drivers.poll(waiting: random.chance(0.3))
    }
    if random.chance(0.05) { try fixture.directory.tick(fixture.now) }
    if random.chance(0.005) { try fixture.directory.checkpoint() }
    if random.chance(0.005) { try fixture.log(partition).roll() }
  }

  private mutating func acknowledge(
    _ acknowledged: (Int32, Offset) -> Void
  ) throws(LogError) {
    var pending: [(partition: Int32, receipt: AppendReceipt)] = []
    for (partition, receipt) in outstanding {
      switch try fixture.log(partition).status(of: receipt) {
      case .pending: pending.append((partition, receipt))
      case .acknowledged: acknowledged(partition, receipt.nextOffset)
      case .failed(let error): throw error
      }
    }
    outstanding = pending
  }
}
