/// A search for the highest rate that a target sustains: achieved in full, with a percentile of the
/// response time within a bound.
///
/// Rates are tried upwards from `from`, each four times the one before, until one fails; then the gap
/// between the highest that held and the lowest that failed is halved, on a logarithmic scale, until it is
/// less than a tenth. Each probe is a trial of its own with a fresh target. A block's search is one row:
/// its numbers are those of the best probe, and `search_probes` tells all of them.
package struct RateSearch: Hashable, Sendable {
  package enum Percentile: String, CaseIterable, Hashable, Sendable { case p50, p99, p999 }

  package var limitMicroseconds = 10_000.0
  package var percentile = Percentile.p99
  package var from: Int64 = 1000
  package var to: Int64 = 10_000_000

  package init() {}

  /// Probes that a search takes, about: for the plan.
  package var probesExpected: Int { 8 }
}
