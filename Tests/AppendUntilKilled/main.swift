import CommitLog
import Glibc
import LinuxIO
import LogStorage
import SimulatedStorage
import TestSupport

// Appends, and says on its standard output what was acknowledged, until it is killed:
//   AppendUntilKilled DIRECTORY BACKEND DURABILITY SEED [APPENDS]
// Lines: `A <partition> <next offset>` after each acknowledgement, `N <text>` for each notice of
// opening. It ends by itself after APPENDS appends or a minute, so that it cannot run away.

/// One line by one write(2): whoever reads the pipe sees whole lines, and no buffer of this process
/// holds one back.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  guard write(STDOUT_FILENO, bytes, bytes.count) == bytes.count else { exit(3) }
}

func fail(_ message: String, _ code: Int32) -> Never {
  let bytes = Array("AppendUntilKilled: \(message)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
  exit(code)
}

struct Appender {
  let fixture: LogFixture
  let durability: Durability
  var random: SeededGenerator
  /// Accepted, and not known to be acknowledged, in order.
  var outstanding: [(partition: Int32, receipt: AppendReceipt)] = []

  mutating func run(appendsMax: Int) throws(LogError) {
    let end = MonotonicClock.nanoseconds() + 60_000_000_000
    for _ in 0..<appendsMax {
      let now = MonotonicClock.nanoseconds()
      if now > end { return }
      fixture.now = LogTime(
        monotonicNanoseconds: now, wallMilliseconds: WallClock.milliseconds())
      try step()
      acknowledge()
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

  private mutating func acknowledge() {
    var pending: [(partition: Int32, receipt: AppendReceipt)] = []
    for (partition, receipt) in outstanding {
      switch status(partition, receipt) {
      case .pending: pending.append((partition, receipt))
      case .acknowledged: say("A \(partition) \(receipt.nextOffset)")
      case .failed(let error): fail("\(error)", 1)
      }
    }
    outstanding = pending
  }

  private func status(_ partition: Int32, _ receipt: AppendReceipt) -> AppendStatus {
    do throws(LogError) { return try fixture.log(partition).status(of: receipt) } catch {
      return .failed(error)
    }
  }
}

let arguments = CommandLine.arguments
guard (5...6).contains(arguments.count),
  let kind = BackendUnderTest(rawValue: arguments[2]),
  let durability = Durability(rawValue: arguments[3]),
  let seed = UInt64(arguments[4]),
  let appendsMax = arguments.count == 6 ? Int(arguments[5]) : 2_000_000
else {
  fail("usage: AppendUntilKilled DIRECTORY BACKEND DURABILITY SEED [APPENDS]", 2)
}
do throws(LogError) {
  let fixture = try KillWorkload.open(kind, durability, path: arguments[1], seed: seed)
  for notice in fixture.directory.notices.take() { say("N \(notice)") }
  var appender = Appender(
    fixture: fixture, durability: durability, random: SeededGenerator(seed: seed))
  try appender.run(appendsMax: appendsMax)
} catch { fail("\(error)", 1) }
