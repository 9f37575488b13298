import LinuxIO
import Load
import Measurements
import Synchronization

/// What serves producers' batches, on one thread of its own.
package protocol BatchService: AnyObject {
  /// Begins with one batch: finishes the slot, at once or in a later `endRound`.
  func take(_ slot: BatchSlot)
  /// After all batches that were waiting have been taken: flushes, hands out what completed. With
  /// `isIdle` it waits for something that is under way.
  func endRound(isIdle: Bool, now: Int64) -> RoundEnd
  /// The numbers of partitions whose ends have moved since the last call.
  func takeAdvanced() -> [Int]
  /// What failed and belongs to no batch; read when the loop has ended.
  var failure: (any Error)? { get }
}

extension BatchService {
  package func takeAdvanced() -> [Int] { [] }
  package var failure: (any Error)? { nil }
}

/// How a round of a service left things.
package enum RoundEnd: Hashable, Sendable {
  /// Nothing was finished, and nothing is under way.
  case quiet
  /// Batches were finished in it, or are under way.
  case busy
}

/// What is done to a target on purpose, to see whether the measurement tells.
package struct Disturbance: Hashable, Sendable {
  /// The target stands still for so long, once, so long after the start.
  package var stallNanoseconds: Int64 = 0
  package var stallAtNanoseconds: Int64 = 0
  package init() {}
}

/// Makes work take longer by a share, on purpose.
struct Slowdown {
  let percent: Int

  /// Spins for a share of what has passed since `start`.
  func lengthen(since start: Int64) {
    if percent == 0 { return }
    let took = MonotonicClock.nanoseconds() - start
    let deadline = start + took + took * Int64(percent) / 100
    while MonotonicClock.nanoseconds() < deadline {}
  }
}

/// The thread that a log belongs to: does one piece of work after another, of which `ServiceLoop.run` is
/// the longest.
package final class ServiceThread {
  private let wake: EventSignal
  private let work: Lock<[@Sendable () -> Void]>
  private let answer: EventSignal
  /// Waits for `answer`.
  private let answers: EventPoll
  private let isEnding: Flag
  private var thread: WorkerThread<Void>?

  /// A boolean that threads share.
  final class Flag: Sendable {
    private let bits = Atomic(false)
    var isSet: Bool { bits.load(ordering: .acquiring) }
    func set(_ value: Bool = true) { bits.store(value, ordering: .releasing) }
  }

  /// Starts the thread.
  package init() throws(SystemCallError) {
    wake = try EventSignal()
    answer = try EventSignal()
    // Here, where running out of descriptors can be said: the thread has nobody to tell.
    answers = try EventPoll()
    try answers.add(answer, tag: 0)
    let poll = try EventPoll()
    try poll.add(wake, tag: 0)
    work = Lock([])
    isEnding = Flag()
    // SAFETY: only the thread uses it from now on.
    thread = try WorkerThread(Self.body(wake, work, isEnding, Handover(poll)))
  }

  /// Runs `body` on the thread, and waits for it.
  package func perform<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) throws -> Value {
    let result = Answer<Value>()
    let done = answer
    let asked: @Sendable () -> Void = {
      do { result.value = .success(try body()) } catch { result.value = .failure(error) }
      done.raise()
    }
    post(asked)
    try wait(done)
    guard let value = result.value else { throw ServiceThreadEnded() }
    return try value.get()
  }

  /// Begins with `body` on the thread, and does not wait. `perform` then waits for both.
  package func post(_ body: @escaping @Sendable () -> Void) {
    work.withLock { $0.append(body) }
    wake.raise()
  }

  /// Ends the thread when it has done what it was given.
  package func end() {
    isEnding.set()
    wake.raise()
    _ = thread?.join()
    thread = nil
  }

  private func wait(_ signal: EventSignal) throws(SystemCallError) {
    var isRaised = false
    while !isRaised { try answers.wait(milliseconds: -1) { _, _ in isRaised = true } }
    signal.clear()
  }

  private static func body(
    _ wake: EventSignal, _ work: Lock<[@Sendable () -> Void]>, _ isEnding: Flag,
    _ poll: Handover<EventPoll>
  ) -> @Sendable () -> Void {
    { run(wake, work, isEnding, poll.value) }
  }

  private static func run(
    _ wake: EventSignal, _ work: Lock<[@Sendable () -> Void]>, _ isEnding: Flag, _ poll: EventPoll
  ) {
    while true {
      let bodies = work.withLock { bodies in
        defer { bodies = [] }
        return bodies
      }
      for body in bodies { body() }
      if bodies.isEmpty {
        if isEnding.isSet { return }
        try? poll.wait(milliseconds: 1000) { _, _ in wake.clear() }
      }
    }
  }
}

/// Where the thread leaves what it was asked for.
// SAFETY: written before the signal is raised, and read after it was waited for.
private final class Answer<Value>: @unchecked Sendable {
  var value: Result<Value, any Error>?
}

/// The thread could not be started, or ended before it had answered.
struct ServiceThreadEnded: Error, CustomStringConvertible {
  var description: String { "the target's thread ended before its work" }
}

/// The loop of a service thread while a trial runs: takes batches from bounded queues, one for each
/// producer, whole rounds at a time, so that one flush can acknowledge all that waited for it. Handing a
/// batch over costs a few atomic operations, and a system call (`eventfd`) only where the thread sleeps.
// SAFETY: `poll` and `clock` are the thread's that runs the loop, which it does once.
package final class ServiceLoop: @unchecked Sendable {
  /// Raised by producers, and by who ends the trial.
  let wake: WakeSignal
  private let isEnding = ServiceThread.Flag()
  private let poll: EventPoll
  /// Of a stall.
  private let clock: SystemLoadClock

  /// Opens all that `run` needs: producers would wait for ever for a loop that could not begin.
  package init() throws(SystemCallError) {
    wake = try WakeSignal()
    poll = try EventPoll()
    try poll.add(wake.signal, tag: 0)
    clock = try SystemLoadClock()
  }

  /// No batch will come any more; the loop ends when those that came are finished.
  package func end() {
    isEnding.set()
    wake.signal.raise()
  }

  /// Serves `ports`' queues until `end`. `published` is told the partitions whose
  /// ends a round has moved.
  package func run(
    _ service: any BatchService, _ ports: [QueuePort], start: Int64, _ disturbance: Disturbance,
    marks: (MarkKind, Int64, Int64) -> Void, published: ([Int]) -> Void
  ) throws(SystemCallError) {
    var stallAt: Int64? =
      disturbance.stallNanoseconds > 0 ? start + disturbance.stallAtNanoseconds : nil
    while true {
      if let due = stallAt, MonotonicClock.nanoseconds() >= due {
        stallAt = nil
        marks(.stall, due, disturbance.stallNanoseconds)
        clock.sleep(until: due + disturbance.stallNanoseconds)
      }
      let isLast = isEnding.isSet
      var taken = 0
      for port in ports { taken += port.drain(service) }
      let end = service.endRound(isIdle: taken == 0, now: MonotonicClock.nanoseconds())
      if taken > 0 || end == .busy {
        let advanced = service.takeAdvanced()
        if !advanced.isEmpty { published(advanced) }
        for port in ports { port.wakeProducer() }
        continue
      }
      if isLast { return }
      try rest(poll, ports, until: stallAt)
    }
  }

  /// Sleeps until a producer hands something over.
  private func rest(
    _ poll: EventPoll, _ ports: [QueuePort], until deadline: Int64?
  ) throws(SystemCallError) {
    wake.await()
    // What came between the last look and now would not wake us.
    if ports.contains(where: \.hasWaiting) { return }
    var milliseconds = 20
    if let deadline {
      let left = max(0, deadline - MonotonicClock.nanoseconds()) / 1_000_000
      milliseconds = Int(min(Int64(milliseconds), left))
    }
    try poll.wait(milliseconds: milliseconds) { _, _ in wake.signal.clear() }
  }
}

/// The queue between one producer and the service thread: the slots that were handed over, in order.
// SAFETY: `places` is a ring that the producer fills and the service thread empties; `head` and `tail`
// say how far, releasing and acquiring, so no place is touched by both at once. Memory of its own and
// not an array: an array that one thread reads is copied when another one writes to it.
package final class QueuePort: ProducerPort, @unchecked Sendable {
  private let loop: ServiceLoop
  private let producerWake: WakeSignal
  private let poll: EventPoll
  private let places: UnsafeMutableBufferPointer<BatchSlot?>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  /// Takes up to `capacity` slots at once: as many as the producer has.
  package init(_ loop: ServiceLoop, capacity: Int) throws(SystemCallError) {
    self.loop = loop
    producerWake = try WakeSignal()
    poll = try EventPoll()
    try poll.add(producerWake.signal, tag: 0)
    places = .allocate(capacity: max(1, capacity))
    places.initialize(repeating: nil)
  }

  deinit {
    places.deinitialize()
    places.deallocate()
  }

  package func submit(_ slot: BatchSlot) {
    let index = tail.load(ordering: .relaxed)
    // Never full: a producer has no more slots than there are places.
    places[index % places.count] = slot
    tail.store(index + 1, ordering: .releasing)
    loop.wake.wake()
  }

  package func wait(for slot: BatchSlot, until deadline: Int64?) {
    producerWake.await()
    if slot.state == .ended { return }
    let left = deadline.map { max(0, $0 - MonotonicClock.nanoseconds()) / 1_000_000 + 1 } ?? 200
    try? poll.wait(milliseconds: Int(min(left, 200))) { _, _ in producerWake.signal.clear() }
  }

  /// The service thread's.
  var hasWaiting: Bool { head.load(ordering: .relaxed) < tail.load(ordering: .acquiring) }

  /// The service thread's: gives the service all that is there now; how many.
  func drain(_ service: any BatchService) -> Int {
    let end = tail.load(ordering: .acquiring)
    var index = head.load(ordering: .relaxed)
    let count = end - index
    while index < end {
      if let slot = places[index % places.count] { service.take(slot) }
      index += 1
    }
    head.store(index, ordering: .releasing)
    return count
  }

  /// The service thread's, after it finished slots.
  func wakeProducer() { producerWake.wake() }
}
