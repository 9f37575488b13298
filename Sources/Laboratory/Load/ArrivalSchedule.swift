import Glibc
import LinuxIO

/// When the records of one producer are to be sent, in nanoseconds after the trial's start.
///
/// Fixed before the trial: a function of rate, kind and seed, which nothing that the target does can
/// change. A value: a copy walks the same times again.
package struct ArrivalSchedule: Sendable {
  /// The next arrival; nil after the last.
  package private(set) var next: Int64?

  private let gapNanoseconds: Double
  private let isPoisson: Bool
  private let countMax: Int64
  private let endNanoseconds: Int64
  private let phaseNanoseconds: Double
  private var random: SeededGenerator
  private var count: Int64 = 0
  private var time: Double

  /// `recordsPerSecond` of this producer alone; it ends after `count` arrivals or, before, at
  /// `endNanoseconds`. Of uniform producers side by side each has a `phase` of its own, from 0 up to,
  /// not including, 1: their arrivals interleave.
  package init(
    recordsPerSecond: Double, isPoisson: Bool, phase: Double = 0, seed: UInt64,
    count: Int64 = .max, endNanoseconds: Int64 = .max
  ) {
    gapNanoseconds = 1e9 / max(recordsPerSecond, 1e-9)
    self.isPoisson = isPoisson
    countMax = count
    self.endNanoseconds = endNanoseconds
    phaseNanoseconds = isPoisson ? 0 : phase * gapNanoseconds
    random = SeededGenerator(seed: seed)
    time = phaseNanoseconds
    if isPoisson { time += Self.gap(gapNanoseconds, &random) }
    next = bounded()
  }

  /// The mean time between two arrivals.
  package var meanGapNanoseconds: Double { gapNanoseconds }

  package mutating func advance() {
    count += 1
    if isPoisson {
      time += Self.gap(gapNanoseconds, &random)
    } else {
      // By multiplication: a sum would drift.
      time = phaseNanoseconds + Double(count) * gapNanoseconds
    }
    next = bounded()
  }

  private func bounded() -> Int64? {
    guard count < countMax, time < 9e18 else { return nil }
    let nanoseconds = Int64(time)
    return nanoseconds < endNanoseconds ? nanoseconds : nil
  }

  private static func gap(_ mean: Double, _ random: inout SeededGenerator) -> Double {
    -log(1 - random.fraction()) * mean
  }
}
