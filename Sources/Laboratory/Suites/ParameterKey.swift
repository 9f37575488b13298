import LinuxIO
import LogStorage
import Wording

/// The keys of `defaults`, `axes`, `with`, `baseline` and `--set`, by their names there.
package enum ParameterKey: String, CaseIterable, Hashable, Sendable {
  case target, backend, durability, payload
  case recordBytes = "record_bytes"
  case batchBytes = "batch_bytes"
  case partitions, preallocation
  case bytes, batches, records
  case arrival
  case queueDepth = "queue_depth"
  case prefillBytes = "prefill_bytes"
  case segmentBytes = "segment_bytes"
  case intervalMilliseconds = "interval_ms"
  case intervalBytes = "interval_bytes"
  case backgroundFlush = "background_flush"
  case memory, drain
  case transfer, receiver, cache, network, connections
  case callBytes = "call_bytes"
  case reading, congestion
  case producers, consumers
  case inFlight = "in_flight"
  case lingerMilliseconds = "linger_ms"
  case rate, duration
  case recordSizes = "record_sizes"
  case consumeFrom = "consume_from"
  case retentionBytes = "retention_bytes"
  case placeProducers = "place_producers"
  case placeConsumers = "place_consumers"
  case placeLog = "place_log"
  case logThreads = "log_threads"
  case stallMilliseconds = "stall_ms"
  case stallAtMilliseconds = "stall_at_ms"
  case slowdownPercent = "slowdown_percent"
  case memoryLimit = "memory_limit"
  case variant

  /// `bytes`, `batches`, `records` and `duration` are ways to say one thing: the last one said
  /// holds.
  package var isLength: Bool {
    switch self {
    case .bytes, .batches, .records, .duration: true
    default: false
    }
  }
}

/// The names that this program knows: who assembles it says which backends and targets exist.
package struct SuiteVocabulary: Hashable, Sendable {
  package var targets: [String]
  package var backends: [String]
  package var payloads: [String]
  package var transfers: [String]
  /// Targets by the names that earlier versions gave them, for runs that are read back.
  private(set) var formerTargets: [String: String] = [:]

  package init(
    targets: [String], backends: [String], payloads: [String], transfers: [String] = []
  ) {
    self.targets = targets
    self.backends = backends
    self.payloads = payloads
    self.transfers = transfers
  }

  package var withFormerTargets: SuiteVocabulary {
    var changed = self
    changed.formerTargets = TargetName.former
    return changed
  }
}

/// One key with a checked value.
package struct Setting: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case name(String)
    case number(Int64)
    case flag(Bool)

    /// As tables have it: sizes in bytes, durations in milliseconds.
    var text: String {
      switch self {
      case .number(let number): "\(number)"
      case .name(let name): name
      case .flag(let flag): "\(flag)"
      }
    }
  }

  package let key: ParameterKey
  package let value: Value

  /// Checks `text` as a value of `key`.
  init(_ key: ParameterKey, _ text: String, _ words: SuiteVocabulary) throws(ValueProblem) {
    self.key = key
    let text = key == .target ? words.formerTargets[text] ?? text : text
    if key == .target, !words.targets.contains(text), let name = TargetName.former[text] {
      throw ValueProblem("the target '\(text)' is called '\(name)' now")
    }
    value = try key.parameter.accepted.value(of: text, for: key, words)
  }

  fileprivate init(_ key: ParameterKey, _ value: Value) {
    self.key = key
    self.value = value
  }

  /// The value as a suite would write it.
  package var text: String {
    if case .number(let number) = value, case .bytes = key.parameter.accepted {
      return Quantity.text(bytes: number)
    }
    return value.text
  }
}

extension TrialParameters {
  /// Changes the key that `setting` has.
  package mutating func apply(_ setting: Setting) {
    setting.key.parameter.set(&self, setting.value)
  }

  /// The value of `key`; nil for a length that another length has replaced.
  package func value(of key: ParameterKey) -> Setting.Value? { key.parameter.value(self) }

  /// The value of `key` as a suite would write it; nil as above.
  package func text(of key: ParameterKey) -> String? {
    value(of: key).map { Setting(key, $0).text }
  }

  /// True where `key` changes what the trial does.
  package func applies(_ key: ParameterKey) -> Bool { key.parameter.applies(self) }
}
