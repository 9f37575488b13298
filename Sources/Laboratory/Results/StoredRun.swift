import Foundation
import Histogram
import LinuxIO
import Measurements
import Suites
import Trials

/// A run's folder, read back.
package struct StoredRun {
  package let directory: String
  package let environment: Environment
  package let suite: Suite
  package let plan: SuitePlan
  package let results: [TrialResult]
  package let survival: Survival

  /// Reads `environment.json` and `trials.csv`. Every mistake names the file, and the row.
  ///
  /// `toResume`: the run may have been killed while it wrote, so that a last row which is not whole, and
  /// a `trials.csv` that is missing, are trials that did not run.
  package init(
    directory: String, vocabulary: SuiteVocabulary, toResume: Bool = false
  ) throws(StoredRunError) {
    self.directory = directory
    let path = "\(directory)/environment.json"
    let bytes = try RunRecords.bytes(path)
    do { environment = try JSONDecoder().decode(Environment.self, from: Data(bytes)) } catch {
      throw StoredRunError(path, "not what `varve bench` writes: \(Self.reason(error))")
    }
    do {
      suite = try Suite.read(
        text: environment.suite.text, file: "\(path): the suite",
        overrides: environment.suite.overrides,
        vocabulary: vocabulary.withFormerTargets)
    } catch { throw StoredRunError(path, "\(error)") }
    guard (1...10_000).contains(environment.suite.repeats) else {
      throw StoredRunError(path, "repeats: found \(environment.suite.repeats), expected 1 to 10000")
    }
    plan = SuitePlan(
      suite, repeats: environment.suite.repeats, comparesBuilds: environment.base != nil)
    results = try Self.results("\(directory)/\(RunFiles.trialsName)", plan, toResume)
    survival = try Survival(directory: directory, toResume: toResume)
  }

  /// The times of all trials of each cell together, by kind. A trial without a log has none.
  package func times() throws(StoredRunError) -> [Int: [LatencyKind: TrialRecorder.Times]] {
    var sums: [Int: [LatencyKind: TrialRecorder.Times]] = [:]
    for result in results where result.status.isMeasured {
      let path = "\(directory)/\(RunFiles.histogramsName)/\(result.trial.id).hlog"
      let bytes: [UInt8]?
      do { bytes = try LinuxFileIO().readFile(at: path, bytesMax: 1 << 30) } catch {
        throw StoredRunError(path, "\(error.number)")
      }
      guard let bytes else { continue }
      let times: [LatencyKind: TrialRecorder.Times]
      do { times = try TrialReport.times(bytes, name: path) } catch {
        throw StoredRunError("", "\(error)")
      }
      for (kind, more) in times {
        sums[result.trial.cell, default: [:]][kind, default: TrialRecorder.emptyTimes()].add(more)
      }
    }
    return sums
  }

  private static func results(
    _ path: String, _ plan: SuitePlan, _ toResume: Bool
  ) throws(StoredRunError) -> [TrialResult] {
    let records = try RunRecords.read(path, toResume: toResume)
    if toResume && records.isEmpty { return [] }
    guard let header = records.first?.fields, header.contains("trial_id") else {
      throw StoredRunError(path, "has no header with the column trial_id")
    }
    var results: [TrialResult] = []
    var awaited = Set(plan.trials.lazy.filter { $0.block > 0 }.map(\.id))
    for record in records.dropFirst() {
      let place = "\(path):\(record.line)"
      let row = TrialRow(header, record.fields, line: record.line)
      var result: TrialResult?
      if let trial = row.trial, let id = row.trialID, awaited.remove(id) != nil {
        do { result = try row.result(plan.cells[trial.cell].parameters) } catch {
          throw StoredRunError(place, "\(error)")
        }
      }
      guard let result else {
        throw StoredRunError(
          place, "no trial of this suite has this id and status, or an earlier row has it")
      }
      results.append(result)
    }
    return results
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    switch error {
    case .keyNotFound(let key, _): return "'\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      return "\(context.debugDescription) at '\(place)'"
    @unknown default: return "\(error)"
    }
  }
}

/// Why a run's folder cannot be read.
package struct StoredRunError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ place: String, _ problem: String) {
    description = place.isEmpty ? problem : "\(place): \(problem)"
  }
}
