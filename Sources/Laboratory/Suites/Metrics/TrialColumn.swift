import LogStorage

/// A column of trials.csv. An empty field is unknown or does not apply; it is never zero.
package struct TrialColumn: Sendable {
  package let name: String
  package let unit: String
  package let description: String
  /// A result's field; nil is an empty one.
  package let text: @Sendable (TrialResult) -> String?

  /// In the file's order: which trial it is, its parameters, what it measured.
  package static let all: [TrialColumn] =
    Identity.allCases.map(\.column) + ParameterKey.allCases.map(\.column)
    + Metric.allCases.map(\.column)

  /// Names that earlier versions wrote, and today's.
  package static let formerNames = [
    "reference_ratio": "vs_syscalls_ratio", "copied_sends": "zerocopy_fallbacks",
    "zero_copy_sends": "zerocopy_sends", "lateness_p50_us": "schedule_delay_p50_us",
    "lateness_p99_us": "schedule_delay_p99_us", "lateness_max_us": "schedule_delay_max_us",
  ]

  /// Columns that say which trial it is, how it ended, and in what state it began.
  enum Identity: String, CaseIterable {
    case suite
    case trialID = "trial_id"
    case block, position, build, status, reason, commit, memory, drained, preallocation
    case searchProbes = "search_probes"

    fileprivate var column: TrialColumn {
      TrialColumn(name: rawValue, unit: "", description: description) { text($0) }
    }

    private var description: String {
      switch self {
      case .suite: "The suite's name."
      case .trialID: "Cell and block: `c03-b2` is the third cell's trial in the second block."
      case .block: "Each block has one trial of each cell, in random order."
      case .position: "The trial's place in its block, from 1."
      case .build: "`this` or `base`, where two builds are compared."
      case .status:
        "`ok`; `saturated`: less than 95 % of the offered rate was reached; `skipped`: the system lacks "
          + "something; `failed`."
      case .reason: "Why it was skipped, failed or saturated."
      case .commit: "The git revision of the build."
      case .memory:
        "`warm` or `cold` as the trial found it; empty where it does not use the page cache."
      case .drained: "`false` where other dirty pages were still being written when it began."
      case .preallocation: "How space was reserved ahead of the log's end."
      case .searchProbes:
        "Of a search: each rate that was tried, whether it held, and the percentile found."
      }
    }

    private func text(_ result: TrialResult) -> String? {
      switch self {
      case .suite: result.suite
      case .trialID: result.trial.id
      case .block: "\(result.trial.block)"
      case .position: "\(result.trial.position)"
      case .build: result.build?.rawValue
      case .status: result.status.rawValue
      case .reason: result.reason
      case .commit: result.commit
      case .memory: result.memory?.rawValue
      case .drained: result.drained.map { "\($0)" }
      case .preallocation:
        result.parameters.sendsPlainFile ? nil : result.parameters.preallocation?.rawValue
      case .searchProbes: result.searchProbes
      }
    }
  }
}

extension ParameterKey {
  /// The name of its column in trials.csv. Where a column of the same name has what was measured,
  /// or what the trial settled on, this one has what was requested.
  package var columnName: String {
    switch self {
    case .bytes, .batches, .records, .memory, .preallocation: "requested_\(rawValue)"
    case .duration: "requested_duration_ms"
    case .rate: "offered_records_per_s"
    default: rawValue
    }
  }

  fileprivate var column: TrialColumn {
    let unit = self == .rate ? "records/s" : parameter.accepted.unit
    return TrialColumn(name: columnName, unit: unit, description: parameter.description) { result in
      let parameter = self.parameter
      if let recorded = parameter.recorded { return recorded(result) }
      guard parameter.applies(result.parameters) else { return nil }
      return parameter.value(result.parameters)?.text
    }
  }
}

extension Metric {
  fileprivate var column: TrialColumn {
    let definition = definition
    return TrialColumn(name: rawValue, unit: definition.unit, description: definition.description) {
      text(of: $0)
    }
  }
}
