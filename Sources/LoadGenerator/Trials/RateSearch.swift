import Foundation

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

  /// The search is over when the best and the worst differ by less.
  private static let precision = 1.1

  /// Probes that a search takes, about: for the plan.
  package var probesExpected: Int { 8 }

  /// Searches by `probe`; nil where a probe was stopped. Where even `from` does not hold the row is
  /// that probe's, `saturated`; where a probe fails it is that one's, too. A rate that is skipped (for
  /// want of room on the disk) ends the search as `to` does.
  package func run(
    _ parameters: TrialParameters, probe: (TrialParameters) -> TrialReport?
  ) -> TrialReport? {
    var best: TrialReport?
    var bestRate = 0.0
    var worstRate: Double?
    var probes: [String] = []
    var rate = Double(from)
    while true {
      var tried = parameters
      rate = rate.rounded()
      tried.rate = Int64(rate)
      guard let report = probe(tried) else { return nil }
      guard report.result.status.isMeasured else {
        if report.result.status == .failed || best == nil { return report }
        probes.append(String(format: "%.0f:skipped", rate))
        break
      }
      let value = self.value(of: report.result)
      let holds = report.result.status == .ok && value <= limitMicroseconds
      probes.append(
        String(format: "%.0f:%@:%.0fus", rate, holds ? "held" : "failed", value))
      if holds {
        best = report
        bestRate = rate
        if rate >= Double(to) { break }
      } else {
        worstRate = rate
        if best == nil { return Self.unsustained(report, probes) }
      }
      if let worstRate {
        if worstRate / bestRate < Self.precision { break }
        rate = (worstRate * bestRate).squareRoot()
      } else {
        rate = min(rate * 4, Double(to))
      }
    }
    best?.result.sustainableRecordsPerSecond = bestRate
    best?.result.searchProbes = probes.joined(separator: " ")
    return best
  }

  private func value(of result: TrialResult) -> Double {
    let times = result.response
    let value =
      switch percentile {
      case .p50: times?.p50
      case .p99: times?.p99
      case .p999: times?.p999
      }
    return value ?? .infinity
  }

  private static func unsustained(_ report: TrialReport, _ probes: [String]) -> TrialReport {
    var report = report
    report.result.status = .saturated
    report.result.reason = "even the lowest rate of the search was not sustained"
    report.result.searchProbes = probes.joined(separator: " ")
    return report
  }
}
