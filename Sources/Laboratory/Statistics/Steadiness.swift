/// When a warm-up may end: fio's `steadystate`, over trials instead of seconds.
///
/// Looks at a cell's last `window` values. The slope of the line through them, by trial, and the
/// distance of the farthest one from their mean must both be small shares of the mean.
package enum Steadiness {
  /// Trials that are looked at.
  package static let window = 4
  private static let slopeMost = 0.02
  private static let deviationMost = 0.1

  /// False of fewer than `window` values.
  package static func isSteady(_ values: [Double]) -> Bool {
    let last = values.suffix(window)
    guard last.count == window, last.allSatisfy({ $0 > 0 && $0.isFinite }) else { return false }
    let mean = last.reduce(0, +) / Double(window)
    let middle = Double(window - 1) / 2
    let spread = (0..<window).reduce(0.0) { $0 + (Double($1) - middle) * (Double($1) - middle) }
    let slope =
      zip(0..<window, last).reduce(0.0) { $0 + (Double($1.0) - middle) * ($1.1 - mean) } / spread
    let farthest = last.map { abs($0 - mean) }.max() ?? 0
    return abs(slope) <= slopeMost * mean && farthest <= deviationMost * mean
  }
}
