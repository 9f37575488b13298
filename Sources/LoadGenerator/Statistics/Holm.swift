/// Holm's correction: what is left of p-values that were looked at together.
package enum Holm {
  /// The p-values, in the order given, so corrected that to call all those at most `alpha` a
  /// finding gives a false one in at most a share `alpha` of cases, whatever depends on whatever.
  ///
  /// The least is multiplied by their number, the next by one less, and so on; none is left below
  /// one that was smaller, nor above 1. What is not a number counts as 1, and what is outside 0 to 1
  /// as the nearer end.
  package static func adjusted(_ p: [Double]) -> [Double] {
    let clean = p.map { $0.isNaN ? 1 : min(max($0, 0), 1) }
    var adjusted = clean
    var greatest = 0.0
    for (rank, index) in clean.indices.sorted(by: { clean[$0] < clean[$1] }).enumerated() {
      greatest = max(greatest, min(clean[index] * Double(clean.count - rank), 1))
      adjusted[index] = greatest
    }
    return adjusted
  }
}
