import Foundation
import LinuxIO
import Measurements
import Suites

/// Where a suite's words go. Standard output gets the result, standard error the progress.
package struct Console {
  /// One line of the result.
  package var print: (String) -> Void
  /// Progress as it is, line ends included.
  package var progress: (String) -> Void
  /// True where progress may rewrite its line.
  package var isTerminal: Bool

  package init(
    print: @escaping (String) -> Void, progress: @escaping (String) -> Void, isTerminal: Bool
  ) {
    self.print = print
    self.progress = progress
    self.isTerminal = isTerminal
  }

  /// The process's own.
  package static var standard: Console {
    Console(
      print: { StandardStream.output.write($0 + "\n") },
      progress: { StandardStream.error.write($0) },
      isTerminal: StandardStream.error.isTerminal)
  }

  /// The terminal's width, or 80 where it does not say.
  var columns: Int {
    var size = winsize()
    guard isTerminal, ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }

  /// Takes no words.
  package static var silent: Console {
    Console(print: { _ in }, progress: { _ in }, isTerminal: false)
  }
}

/// Says how far a suite is: one rewritten line on a terminal, one plain line a trial elsewhere.
struct Progress {
  private let console: Console
  private let plan: SuitePlan
  /// What the plan says that a trial of each cell takes.
  private let planned: [Double]
  /// Those that will run, in their order.
  private var trials: [SuitePlan.Trial]
  private var done = 0
  /// What each cell's last trial took, all preparation included.
  private var secondsOfCell: [Int: Double] = [:]
  /// What the trials so far took, and what the plan said that they would.
  private var soFar = (taken: 0.0, planned: 0.0)
  private var trialStart: Int64 = 0
  private let start = MonotonicClock.nanoseconds()
  /// Blocks up to this one run whatever they take.
  private let blocksLeast: Int
  /// Blocks past them end after so long; nil for no limit.
  private let secondsMax: Double?

  init(
    _ suite: Suite, _ plan: SuitePlan, _ trials: [SuitePlan.Trial], _ console: Console,
    _ planText: PlanText
  ) {
    self.plan = plan
    self.trials = trials
    self.console = console
    planned = plan.cells.map { planText.seconds(of: $0) }
    blocksLeast = suite.repeats
    secondsMax = planText.isFixed ? nil : suite.millisecondsMax.map { Double($0) / 1000 }
  }

  mutating func begin(_ trial: SuitePlan.Trial) {
    trialStart = MonotonicClock.nanoseconds()
    if !console.isTerminal { return }
    show("\(counter(done + 1)) \(timeLeft()) \(blockName(trial)): \(plan.cells[trial.cell].label)")
  }

  mutating func end(_ trial: SuitePlan.Trial, _ result: TrialResult) {
    done += 1
    let taken = Double(MonotonicClock.nanoseconds() - trialStart) / 1e9
    secondsOfCell[trial.cell] = taken
    soFar.taken += taken
    soFar.planned += planned[trial.cell]
    if console.isTerminal { return }
    let label = plan.cells[trial.cell].label
    var line = "\(counter(done)) \(timeLeft()) \(blockName(trial)): \(label): "
    if let rate = result.megabytesPerSecond, result.status.isMeasured {
      line += String(format: "%.1f MB/s", rate)
      if let response = result.response { line += String(format: ", p99 %.0f µs", response.p99) }
      if result.status == .saturated { line += ", saturated" }
    } else {
      line += result.status.rawValue + (result.reason.map { ": \($0)" } ?? "")
    }
    console.progress(line + "\n")
  }

  /// The next trials are not needed.
  mutating func skip(_ count: Int) { trials.removeSubrange(done..<min(done + count, trials.count)) }

  /// Of a block that begins, these trials will run.
  mutating func begin(block: Int, _ chosen: [SuitePlan.Trial]) {
    let later = trials[done...].filter { $0.block > block }
    trials.removeSubrange(done...)
    trials += chosen + later
  }

  /// Leaves the terminal's line empty.
  func close() { if console.isTerminal { console.progress("\r\u{1B}[K") } }

  private func show(_ line: String) {
    console.progress("\r\u{1B}[K" + line.prefix(console.columns - 1))
  }

  private func blockName(_ trial: SuitePlan.Trial) -> String {
    trial.block == 0 ? "warm-up" : "block \(trial.block)"
  }

  private func counter(_ number: Int) -> String { "[\(number)/\(trials.count)]" }

  /// Each trial to come takes what its cell's last one took, or what the plan says, in the proportion
  /// in which the plan was wrong so far. Blocks that the suite's `time_max` will cut off are not
  /// counted.
  private func timeLeft() -> String {
    let factor = soFar.planned > 0 ? soFar.taken / soFar.planned : 1
    func seconds(_ trials: some Sequence<SuitePlan.Trial>) -> Double {
      trials.reduce(0) { $0 + (secondsOfCell[$1.cell] ?? planned[$1.cell] * factor) }
    }
    let ahead = trials.dropFirst(done)
    var left = seconds(ahead)
    if let secondsMax {
      let elapsed = Double(MonotonicClock.nanoseconds() - start) / 1e9
      let least = seconds(ahead.lazy.filter { $0.block <= blocksLeast })
      left = max(least, min(left, secondsMax - elapsed))
    }
    return "\(Self.duration(left)) left,"
  }

  /// `2 min 05 s`, `7 s`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    if whole < 60 { return "\(whole) s" }
    return String(format: "%d min %02d s", whole / 60, whole % 60)
  }
}
