import LinuxIO
import LogRuntime
import Testing

@Suite("Read threads")
struct WorkerPoolTests {
  /// What jobs note, in order.
  private final class Notes: Sendable {
    private let lines = Lock<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  /// A pool of one thread that does nothing before `open`.
  private struct Gated {
    let pool: WorkerPool
    let notes = Notes()
    private let gate = LinuxIO.Semaphore()

    /// Slices that are over at once: each step is a piece.
    init() throws {
      pool = try WorkerPool(threadCount: 1, sliceNanoseconds: 0)
      let (gate, begun) = (gate, LinuxIO.Semaphore())
      pool.submit(from: -1) {
        begun.signal()
        gate.wait()
      }
      begun.wait()
    }

    /// Lets the thread go on; what was done, in order.
    func run() -> [String] {
      gate.signal()
      pool.stop()
      return notes.all
    }

    func submit(_ name: String, from source: Int) {
      pool.submit(from: source) { [notes] in notes.add(name) }
    }

    /// A job of so many steps.
    func submitLong(_ name: String, steps count: Int, from source: Int) {
      let next = Lock(0)
      pool.submit(from: source) { [notes] slice in
        repeat {
          let step = next.withLock { next in
            defer { next += 1 }
            return next
          }
          notes.add("\(name)\(step)")
          if step == count - 1 { return .done }
        } while !slice.isOver
        return .more
      }
    }
  }

  @Test("One source's hundred jobs keep another's first one waiting for one of them")
  func sourcesTakeTurns() throws {
    let gated = try Gated()
    for number in 0..<100 { gated.submit("a\(number)", from: 1) }
    gated.submit("b", from: 2)
    let done = gated.run()
    #expect(done.prefix(2) == ["a0", "b"])
    #expect(Array(done.dropFirst(2)) == (1..<100).map { "a\($0)" }, "each source's are in order")
  }

  @Test("A source's first job waits for one piece of each of twenty others that have long ones")
  func waitsOnePieceOfEach() throws {
    let gated = try Gated()
    for source in 0..<20 { gated.submitLong("s\(source) ", steps: 50, from: source) }
    gated.submit("first", from: 99)
    let done = gated.run()
    #expect(done.firstIndex(of: "first") == 20)
    #expect(done.count == 20 * 50 + 1)
  }

  @Test("A long job goes on behind the other jobs of its source, at its source's next turn")
  func piecesGoOnBehind() throws {
    let gated = try Gated()
    gated.submitLong("a", steps: 3, from: 1)
    gated.submit("other of a", from: 1)
    gated.submitLong("b", steps: 2, from: 2)
    #expect(gated.run() == ["a0", "b0", "other of a", "b1", "a1", "a2"])
  }

  @Test("A pool that stops has done all that was submitted, long jobs to their end")
  func stopsWhenAllIsDone() throws {
    let pool = try WorkerPool(threadCount: 4, sliceNanoseconds: 0)
    let steps = Lock(0)
    let overlaps = Lock(0)
    for source in 0..<10 {
      for _ in 0..<3 {
        let (left, isRunning) = (Lock(50), Lock(false))
        pool.submit(from: source) { _ in
          if isRunning.withLock({ was in
            defer { was = true }
            return was
          }) {
            overlaps.withLock { $0 += 1 }
          }
          steps.withLock { $0 += 1 }
          let now = left.withLock { left in
            left -= 1
            return left
          }
          isRunning.withLock { $0 = false }
          return now == 0 ? .done : .more
        }
      }
    }
    pool.stop()
    #expect(steps.withLock { $0 } == 10 * 3 * 50)
    #expect(overlaps.withLock { $0 } == 0, "a job's pieces run one after the other")
  }
}
