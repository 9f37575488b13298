import LinuxIO

/// A range that a quantity lies in, with 95 % confidence.
package struct Interval: Hashable, Sendable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}

/// Medians and their intervals.
///
/// A percentile bootstrap alone is too narrow for few samples: of seven, its interval misses the
/// true median in 13 % of cases. So it is widened, where it is narrower, to the order statistics
/// that the sign test gives at the level that five samples can reach (93.75 %): of five to eight
/// samples the interval runs from the least to the greatest, of a hundred it is the bootstrap's.
package enum Bootstrap {
  package static let resamples = 10_000

  /// The middle one, or the mean of the middle two; nil of none.
  package static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : middle(values.sorted())
  }

  /// The level that the interval of so many values reaches: 95 %, or of few that from the least to
  /// the greatest.
  package static func level(trials: Int) -> Double {
    var outside = 2.0
    for _ in 0..<min(trials, 10) { outside /= 2 }
    return min(0.95, 1 - outside)
  }

  /// The 95 % interval of the median; nil of fewer than two values.
  package static func interval(ofMedianOf values: [Double], seed: UInt64) -> Interval? {
    guard values.count >= 2 else { return nil }
    let sorted = values.sorted()
    var random = SeededGenerator(seed: seed)
    var medians = resampledMedians(ofSorted: sorted, &random)
    medians.sort()
    let low = resamples * 25 / 1000
    let outer = outerPlace(sorted.count)
    return Interval(
      low: min(medians[low], sorted[outer]),
      high: max(medians[resamples - 1 - low], sorted[sorted.count - 1 - outer]))
  }

  /// The medians of `resamples` samples drawn from these values, in the order drawn.
  static func resampledMedians(
    ofSorted sorted: [Double], _ random: inout SeededGenerator
  ) -> [Double] {
    // A resample is a count for each place: no sorting in the loop.
    var medians: [Double] = []
    medians.reserveCapacity(resamples)
    var drawn = [Int](repeating: 0, count: sorted.count)
    for _ in 0..<resamples {
      for index in drawn.indices { drawn[index] = 0 }
      for _ in drawn.indices { drawn[random.below(sorted.count)] += 1 }
      medians.append(middle(sorted, drawn))
    }
    return medians
  }

  /// The greatest place, counted from 0 from either end, so that the true median lies between the
  /// two in 93.75 % of cases or more; 0 where there is none. The chance that it lies below the
  /// lower one is that of `place` heads or fewer among `count` fair coins.
  static func outerPlace(_ count: Int) -> Int {
    // Past this, 0.5 to the power underflows, and the bootstrap needs no help.
    guard count <= 1000 else { return count / 2 }
    var probability = 1.0
    for _ in 0..<count { probability /= 2 }
    var tail = probability
    var place = 0
    while place < count / 2 {
      probability *= Double(count - place) / Double(place + 1)
      tail += probability
      if tail > 0.03125 { break }
      place += 1
    }
    return place
  }

  static func middle(_ sorted: [Double]) -> Double {
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// The median of a resample in which each of `sorted` came up `drawn` times.
  private static func middle(_ sorted: [Double], _ drawn: [Int]) -> Double {
    let lower = place((sorted.count - 1) / 2, drawn)
    let upper = place(sorted.count / 2, drawn)
    return (sorted[lower] + sorted[upper]) / 2
  }

  private static func place(_ rank: Int, _ drawn: [Int]) -> Int {
    var passed = 0
    for (index, count) in drawn.enumerated() {
      passed += count
      if passed > rank { return index }
    }
    return drawn.count - 1
  }
}
