import Histogram
import LinuxIO
import Load
import Measurements
import Suites
import TestSupport
import Testing

/// Time that passes only where somebody waits. `atStep` is told of each step.
private final class VirtualClock: LoadClock {
  private(set) var time: Int64 = 1_000_000_000
  private(set) var sleeps = 0
  var atStep: (Int64) -> Void = { _ in }

  func now() -> Int64 { time }

  func sleep(until deadline: Int64, following: Int64?) {
    sleeps += 1
    move(to: deadline)
  }

  func move(to later: Int64) {
    time = max(time, later)
    atStep(time)
  }
}

/// When a server that takes one batch at a time is done with each; it stands still once.
private struct Server {
  let serviceNanoseconds: Int64
  /// Empty for none.
  let stall: Range<Int64>
  private var free: Int64 = 0

  init(service: Int64, stall: Range<Int64>) {
    serviceNanoseconds = service
    self.stall = stall
  }

  /// One batch that came at `time`.
  mutating func end(of time: Int64) -> Int64 {
    var begin = max(time, free)
    if stall.contains(begin) { begin = stall.upperBound }
    free = begin + serviceNanoseconds
    // What was under way when it stood still has the rest of its work before it.
    if begin < stall.lowerBound && free > stall.lowerBound { free += Int64(stall.count) }
    return free
  }
}

/// The target: finishes each batch at its time, once the clock has come there.
private final class VirtualPort: ProducerPort {
  private let clock: VirtualClock
  private var server: Server
  private var waiting: [(slot: BatchSlot, end: Int64)] = []
  private(set) var batches = 0

  init(_ clock: VirtualClock, _ server: Server) {
    self.clock = clock
    self.server = server
    clock.atStep = { [unowned self] now in finish(now) }
  }

  func submit(_ slot: BatchSlot) {
    batches += 1
    waiting.append((slot, server.end(of: clock.now())))
  }

  func wait(for slot: BatchSlot, until deadline: Int64?) {
    let end = waiting.first { $0.slot === slot }?.end ?? clock.now()
    clock.move(to: min(end, deadline ?? .max))
  }

  private func finish(_ now: Int64) {
    let done = waiting.prefix { $0.end <= now }
    for each in done { each.slot.finish(at: each.end) }
    waiting.removeFirst(done.count)
  }
}

/// A stall, loaded in a time that the test makes: every response is known beforehand, to the nanosecond.
@Suite(.enabled(if: TestBuild.isOptimized, "runs long: in release builds"))
struct VirtualStallTests {
  private static let second: Int64 = 1_000_000_000
  private static let stall = second + 37_000..<second + 100_037_000
  private static let service: Int64 = 20_000
  private static let rate = 10_000.0
  /// From one wake-up of the generator to the next, on average: stated here once more, on purpose.
  private static let wakePeriod: Int64 = 94_000

  struct Shape: Sendable, CustomTestStringConvertible {
    var isPoisson = false
    var seed: UInt64 = 1
    var inFlight = 5
    /// Records that fit into a batch.
    var batchRecords = 1
    var linger: Int64 = 0
    var testDescription: String {
      "\(isPoisson ? "Poisson, seed \(seed)" : "uniform"), \(inFlight) in flight, batches of "
        + "\(batchRecords), linger \(linger)"
    }
  }

  private func schedule(_ shape: Shape) -> ArrivalSchedule {
    ArrivalSchedule(
      recordsPerSecond: Self.rate, isPoisson: shape.isPoisson, seed: shape.seed,
      endNanoseconds: 3 * Self.second)
  }

  private func batchBytes(_ records: Int) -> Int {
    // A header of 61 bytes, records of 109 or a little more, and the 40 that the source wants to be
    // sure of.
    61 + 109 * (records - 1) + 140 + 60
  }

  private func run(_ plan: ProducerPlan, _ server: Server) throws -> (
    outcome: ProducerOutcome, batches: Int
  ) {
    let clock = VirtualClock()
    let start = clock.now()
    let port = VirtualPort(
      clock,
      Server(
        service: server.serviceNanoseconds,
        stall: start + server.stall.lowerBound..<start + server.stall.upperBound))
    let source = RecordSource(recordBytes: 100, kind: .fixed, bytesMax: 1000, seed: 1)
    let producer = Producer(
      plan, clock: clock, port: port, source: source, start: start, secondsExpected: 4)
    return (try producer.run(), port.batches)
  }

  private func run(_ shape: Shape) throws -> ProducerOutcome {
    var plan = ProducerPlan()
    plan.schedule = schedule(shape)
    plan.inFlight = shape.inFlight
    plan.batchBytes = batchBytes(shape.batchRecords)
    plan.lingerNanoseconds = shape.linger
    return try run(plan, Server(service: Self.service, stall: Self.stall)).outcome
  }

  /// One record's way, by hand.
  private struct Expected {
    let intended: Int64
    let end: Int64
  }

  /// What an ideal producer would do, written down without looking at the real one: it sleeps until it may
  /// wake for an arrival, waits for a free batch, takes up all that is due, and sends.
  private func expected(_ shape: Shape) -> [Expected] {
    var arrivals: [Int64] = []
    var walk = schedule(shape)
    while let next = walk.next {
      arrivals.append(next)
      walk.advance()
    }
    var server = Server(service: Self.service, stall: Self.stall)
    var ends: [Int64] = []
    var all: [Expected] = []
    var (now, taken, wakeDue) = (Int64(0), 0, Int64(0))
    while taken < arrivals.count {
      while taken < arrivals.count && arrivals[taken] <= now {
        if ends.count >= shape.inFlight { now = max(now, ends[ends.count - shape.inFlight]) }
        var batch: [Int64] = []
        while taken < arrivals.count, arrivals[taken] <= now, batch.count < shape.batchRecords {
          batch.append(arrivals[taken])
          taken += 1
        }
        let end = server.end(of: now)
        ends.append(end)
        all += batch.map { Expected(intended: $0, end: end) }
      }
      guard taken < arrivals.count else { break }
      // The arrival itself; where it is too soon, one that comes shortly after the budget has a wake-up
      // again; else just that moment.
      let earliest = max(wakeDue - Self.wakePeriod, arrivals[taken])
      let wake = arrivals[taken...].first { $0 >= earliest }
      now = wake.map { $0 <= earliest + Self.wakePeriod / 2 ? $0 : earliest } ?? earliest
      wakeDue = max(wakeDue, now) + Self.wakePeriod
    }
    return all
  }

  private func check(_ outcome: ProducerOutcome, _ expected: [Expected]) {
    let times = IntervalTimes(secondsExpected: 1)
    for each in expected {
      times.record(each.end - each.intended, second: Int(each.end / Self.second))
    }
    #expect(outcome.records == Int64(expected.count) && outcome.errors == 0)
    #expect(outcome.response.total == times.total)
    for second in 0..<max(outcome.response.seconds.count, times.seconds.count) {
      let empty = TrialRecorder.emptyTimes()
      let found = second < outcome.response.seconds.count ? outcome.response.seconds[second] : empty
      let wanted = second < times.seconds.count ? times.seconds[second] : empty
      #expect(found == wanted, "second \(second)")
    }
    #expect(outcome.lastEnd - Self.second == expected.map(\.end).max())
  }

  @Test(arguments: [
    Shape(inFlight: 4096), Shape(), Shape(inFlight: 1), Shape(batchRecords: 16),
    Shape(inFlight: 1, batchRecords: 16), Shape(inFlight: 2, batchRecords: 100),
    Shape(isPoisson: true, inFlight: 4096), Shape(isPoisson: true, seed: 2),
    Shape(isPoisson: true, seed: 3, inFlight: 1), Shape(isPoisson: true, seed: 4, batchRecords: 16),
    Shape(isPoisson: true, seed: 5, inFlight: 1, batchRecords: 7),
  ])
  func `every record's response is what a stall makes of it`(shape: Shape) throws {
    let expected = expected(shape)
    let outcome = try run(shape)
    check(outcome, expected)
    let response = outcome.response.total
    // Who came while the target stood still, and who then had to queue. Below a batch's own time nothing
    // was delayed.
    let delayed = response.count(within: 4 * UInt64(Self.service)...UInt64(Self.second))
    let arrived = expected.count { Self.stall.contains($0.intended) }
    #expect(delayed >= UInt64(arrived * 99 / 100) && arrived > 900, "\(delayed) of \(arrived)")
    if !shape.isPoisson { #expect(delayed >= 1000) }
    // The first of them waited for all of it.
    let most = Double(response.maxRecorded) / 1e6
    #expect(most > 99 && most < 102, "\(most) ms")
  }

  /// Of those who came in the stall, each tenth waited a tenth less.
  @Test func `the delays are spread evenly from nothing to the stall's length`() throws {
    // Served all at once after the stall: what is seen is the stall alone.
    var plan = ProducerPlan()
    plan.schedule = schedule(Shape())
    plan.inFlight = 4096
    plan.batchBytes = batchBytes(1)
    let response = try run(plan, Server(service: 10, stall: Self.stall)).outcome.response.total
    for tenth in 1..<10 as Range<UInt64> {
      let range = tenth * 10_000_000...(tenth + 1) * 10_000_000 - 1
      let count = Int(response.count(within: range))
      // The bounds lie within a bucket of a thousandth.
      #expect(abs(count - 100) <= 2, "\(count) between \(tenth)0 and \(tenth + 1)0 ms")
    }
    #expect(response.totalCount == 30_000)
    #expect(response.count(within: 0...1000) == 29_000)
  }

  @Test(arguments: [1, 5, 64])
  func `a closed loop hides the stall`(inFlight: Int) throws {
    var plan = ProducerPlan()
    plan.durationNanoseconds = 3 * Self.second
    plan.inFlight = inFlight
    plan.batchBytes = batchBytes(1)
    let (outcome, batches) = try run(plan, Server(service: Self.service, stall: Self.stall))
    let service = outcome.service.total
    #expect(outcome.records == Int64(batches) && outcome.records > 140_000)
    #expect(outcome.response.total.totalCount == 0)
    // Only those that were handed over when it began: nobody else was sent.
    let delayed = service.count(within: 50_000_000...UInt64(Self.second))
    #expect((1...inFlight).contains(Int(delayed)), "\(delayed)")
    #expect(service.valueAtPercentile(99.9) < UInt64(inFlight + 1) * UInt64(Self.service))
  }

  @Test func `a closed loop ends at its count, to the record`() throws {
    for records in [1, 2, 99, 100, 101] as [Int64] {
      var plan = ProducerPlan()
      plan.recordsMax = records
      plan.batchBytes = batchBytes(10)
      let (outcome, batches) = try run(plan, Server(service: 1000, stall: 0..<0))
      #expect(outcome.records == records && batches == Int(records + 9) / 10)
    }
  }

  @Test(arguments: [false, true])
  func `without a stall nothing is late, and a schedule delay is the generator's own`(
    isPoisson: Bool
  ) throws {
    var plan = ProducerPlan()
    plan.schedule = schedule(Shape(isPoisson: isPoisson))
    plan.inFlight = 64
    plan.batchBytes = batchBytes(16)
    let outcome = try run(plan, Server(service: Self.service, stall: 0..<0)).outcome
    let delay = outcome.scheduleDelay.total
    #expect(delay.totalCount == UInt64(outcome.records))
    if isPoisson {
      // A wake-up for each would cost more than the rest: some wait for the next one's.
      #expect(delay.maxRecorded > 0 && delay.maxRecorded <= 141_100)
      #expect(delay.mean < 15_000 && delay.valueAtPercentile(50) == 0)
    } else {
      #expect(delay.maxRecorded == 0)
      #expect(outcome.response.total.maxRecorded <= UInt64(Self.service) + 20)
    }
  }

  /// What the target makes a producer wait for is not the producer's delay.
  @Test func `a stall is not counted as schedule delay`() throws {
    let outcome = try run(Shape(inFlight: 1))
    #expect(outcome.response.total.maxRecorded > 99_000_000)
    #expect(outcome.scheduleDelay.total.maxRecorded < 1_000_000)
  }

  @Test(arguments: [1, 3, 10] as [Int64])
  func `linger holds a batch so long and no longer, and every record pays for it`(
    milliseconds: Int64
  ) throws {
    var plan = ProducerPlan()
    plan.schedule = schedule(Shape())
    plan.inFlight = 64
    plan.batchBytes = batchBytes(1000)
    plan.lingerNanoseconds = milliseconds * 1_000_000
    let (outcome, batches) = try run(plan, Server(service: Self.service, stall: 0..<0))
    // One with the first record and all that come up to and with its end.
    let perBatch = milliseconds * 10 + 1
    #expect(outcome.records == 30_000)
    #expect(batches == Int((30_000 + perBatch - 1) / perBatch), "\(batches)")
    let response = outcome.response.total
    let most = UInt64(milliseconds * 1_000_000 + Self.service)
    #expect(response.valuesAreEquivalent(response.maxRecorded, most), "\(response.maxRecorded)")
    #expect(response.min <= UInt64(Self.service) + 20)
    // In the mean half of it.
    #expect(abs(response.mean - Double(milliseconds) * 500_000 - 20_000) < 10_000)
    // The service time knows nothing of it.
    #expect(outcome.service.total.maxRecorded <= UInt64(Self.service) + 20)
  }

  @Test func `a batch that fills up does not wait for linger`() throws {
    var plan = ProducerPlan()
    plan.schedule = schedule(Shape())
    plan.inFlight = 64
    plan.batchBytes = batchBytes(10)
    plan.lingerNanoseconds = 500_000_000
    let (outcome, batches) = try run(plan, Server(service: Self.service, stall: 0..<0))
    #expect(outcome.records == 30_000 && batches == 3000)
    // Its tenth record came 900 us after its first, and it left with the next one's arrival.
    #expect(outcome.response.total.maxRecorded <= 1_021_000)
  }

  @Test(arguments: [2, 5, 17])
  func `partitions are served in turn`(count: Int) throws {
    /// Acknowledges at once, and remembers.
    final class Order: ProducerPort {
      var partitions: [Int] = []
      let clock: VirtualClock
      init(_ clock: VirtualClock) { self.clock = clock }
      func submit(_ slot: BatchSlot) {
        partitions.append(slot.partition)
        slot.finish(at: clock.now())
      }
      func wait(for slot: BatchSlot, until deadline: Int64?) {}
    }
    let clock = VirtualClock()
    let port = Order(clock)
    var plan = ProducerPlan()
    plan.schedule = ArrivalSchedule(recordsPerSecond: 1000, isPoisson: false, seed: 1, count: 100)
    plan.partitions = (0..<count).map { $0 * 3 }
    plan.batchBytes = batchBytes(1)
    let source = RecordSource(recordBytes: 100, kind: .fixed, bytesMax: 1000, seed: 1)
    _ = try Producer(
      plan, clock: clock, port: port, source: source, start: clock.now(), secondsExpected: 1
    ).run()
    #expect(port.partitions == (0..<100).map { $0 % count * 3 })
  }

  @Test func `what fails is counted, and its first error kept`() throws {
    struct Refused: Error, Equatable { let number: Int }
    final class Refusing: ProducerPort {
      var count = 0
      let clock: VirtualClock
      init(_ clock: VirtualClock) { self.clock = clock }
      func submit(_ slot: BatchSlot) {
        count += 1
        slot.finish(at: clock.now(), count % 10 == 3 ? Refused(number: count) : nil)
      }
      func wait(for slot: BatchSlot, until deadline: Int64?) {}
    }
    let clock = VirtualClock()
    var plan = ProducerPlan()
    plan.schedule = ArrivalSchedule(recordsPerSecond: 1000, isPoisson: false, seed: 1, count: 1000)
    plan.batchBytes = batchBytes(1)
    let source = RecordSource(recordBytes: 100, kind: .fixed, bytesMax: 1000, seed: 1)
    let outcome = try Producer(
      plan, clock: clock, port: Refusing(clock), source: source, start: clock.now(),
      secondsExpected: 1
    ).run()
    #expect(outcome.errors == 100 && outcome.records == 900)
    #expect(outcome.firstError as? Refused == Refused(number: 3))
    // No response time of something that did not happen.
    #expect(outcome.response.total.totalCount == 900)
  }
}
