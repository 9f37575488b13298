/// Holm's correction of p-values that are looked at together: to reject all those whose adjusted
/// value is at most `alpha` rejects a true hypothesis in at most a share `alpha` of cases, whatever
/// depends on whatever.
package struct Holm: Hashable, Sendable {
  /// As given, from 0 to 1; one that is not a number counts as 1.
  package let p: [Double]
  /// The least is multiplied by their number, the next by one less, and so on; none is below one
  /// whose p-value is smaller, nor above 1.
  package let adjusted: [Double]
  /// The level that each p-value is held against: `alpha` over the number of hypotheses that are
  /// left when its turn comes. All that are not rejected have that of the first of them.
  package let levels: [Double]
  private let alpha: Double

  package init(_ p: [Double], alpha: Double) {
    let clean = p.map { $0.isNaN ? 1 : min(max($0, 0), 1) }
    var adjusted = clean
    var levels = clean
    var greatest = 0.0
    var level = alpha
    var isStopped = false
    for (rank, index) in clean.indices.sorted(by: { clean[$0] < clean[$1] }).enumerated() {
      let left = Double(clean.count - rank)
      greatest = max(greatest, min(clean[index] * left, 1))
      adjusted[index] = greatest
      if !isStopped { level = alpha / left }
      isStopped = isStopped || greatest > alpha
      levels[index] = level
    }
    self.p = clean
    self.adjusted = adjusted
    self.levels = levels
    self.alpha = alpha
  }

  package func isRejected(_ index: Int) -> Bool { adjusted[index] <= alpha }
}
