import Foundation
import Measurements
import Suites

extension RateSearch {
  /// The search is over when the best and the worst differ by less.
  private static let precision = 1.1

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
