import Glibc

/// Welch's test of two samples that share no blocks and need not have the same spread: whether the
/// means of their logarithms differ.
package struct Welch: Hashable, Sendable {
  /// Above 0 where the first sample's values are greater; infinite where neither sample varies.
  package let t: Double
  /// By Welch and Satterthwaite; seldom whole.
  package let degreesOfFreedom: Double
  /// Two-sided.
  package let p: Double

  /// Nil where a sample has fewer than two values, or one that is not finite and above 0.
  ///
  /// Where neither sample varies, the formula's p-value would be 0 however few values there are. It
  /// is the rank test's instead: twice one in as many ways as there are to deal the values out
  /// (0.1 for three and three), and 1 where both are the same.
  package static func test(_ a: [Double], _ b: [Double]) -> Welch? {
    guard (a + b).allSatisfy({ $0.isFinite && $0 > 0 }),
      let first = Moments(a.map { log($0) }), let second = Moments(b.map { log($0) })
    else { return nil }
    let difference = first.mean - second.mean
    let shareOfFirst = first.varianceOfMean
    let shareOfSecond = second.varianceOfMean
    let variance = shareOfFirst + shareOfSecond
    guard variance > 0 else {
      let same = abs(difference) <= 4 * max(abs(first.mean), abs(second.mean)).ulp
      return Welch(
        t: same ? 0 : difference > 0 ? .infinity : -.infinity,
        degreesOfFreedom: Double(first.count + second.count - 2),
        p: same ? 1 : min(2 / ways(first.count, second.count), 1))
    }
    // As shares of the whole, whose squares do not underflow.
    let x = shareOfFirst / variance
    let y = shareOfSecond / variance
    let degrees = 1 / (x * x / Double(first.count - 1) + y * y / Double(second.count - 1))
    let t = difference / variance.squareRoot()
    return Welch(
      t: t, degreesOfFreedom: degrees, p: StudentT(degreesOfFreedom: degrees).twoSidedP(t))
  }

  /// In how many ways `a + b` values fall into `a` and `b`; infinite where that is beyond Double.
  private static func ways(_ a: Int, _ b: Int) -> Double {
    var ways = 1.0
    for step in 0..<min(a, b) { ways *= Double(a + b - step) / Double(step + 1) }
    return ways
  }
}

extension Moments {
  var varianceOfMean: Double { standardDeviation * standardDeviation / Double(count) }
}
