import Foundation
import Suites
import Trials

/// The system calls of one traced trial, in words.
struct SystemCallCounts: Hashable, Sendable {
  let text: String

  /// Names shown; the rest are a sum.
  private static let shown = 8

  init(_ report: TrialReport) {
    guard let calls = report.systemCalls else {
      text = report.result.reason ?? report.result.status.rawValue
      return
    }
    let records = report.result.records.map { Double($0) / 1000 }
    let megabytes = report.result.bytes.map { Double($0) / 1e6 }
    guard let scale = records ?? megabytes, scale > 0 else {
      text = "nothing was appended"
      return
    }
    let sorted = calls.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    var parts = sorted.prefix(Self.shown).map { name, count in
      "\(name) \(String(format: "%.3g", Double(count) / scale))"
    }
    let rest = sorted.dropFirst(Self.shown).reduce(0) { $0 + $1.value }
    if rest > 0 { parts.append("others \(String(format: "%.3g", Double(rest) / scale))") }
    text = parts.joined(separator: ", ") + (records == nil ? " per MB" : " per 1,000 records")
  }
}
