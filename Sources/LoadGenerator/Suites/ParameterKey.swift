import LogStorage

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
  case memory, drain
  case transfer, receiver, cache, network, connections
  case callBytes = "call_bytes"
  case reading, congestion

  /// `bytes`, `batches` and `records` are three ways to say one thing: the last one said holds.
  package var isLength: Bool { self == .bytes || self == .batches || self == .records }
}

/// The names that this program knows: who assembles it says which backends and targets exist.
package struct SuiteVocabulary: Hashable, Sendable {
  package var targets: [String]
  package var backends: [String]
  package var payloads: [String]
  package var transfers: [String]

  package init(
    targets: [String], backends: [String], payloads: [String], transfers: [String] = []
  ) {
    self.targets = targets
    self.backends = backends
    self.payloads = payloads
    self.transfers = transfers
  }
}

/// One key with a checked value.
package struct Setting: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case name(String)
    case number(Int64)
    case flag(Bool)
  }

  package let key: ParameterKey
  package let value: Value

  /// Checks `text` as a value of `key`.
  init(_ key: ParameterKey, _ text: String, _ words: SuiteVocabulary) throws(ValueProblem) {
    self.key = key
    switch key {
    case .target: value = try .name(Self.choice(key, text, words.targets))
    case .backend: value = try .name(Self.choice(key, text, words.backends))
    case .payload: value = try .name(Self.choice(key, text, words.payloads))
    case .durability: value = try .name(Self.choice(key, text, Durability.allCases.map(\.rawValue)))
    case .preallocation:
      value = try .name(Self.choice(key, text, Preallocation.words))
    case .arrival: value = try .name(Self.choice(key, text, Arrival.allCases.map(\.rawValue)))
    case .memory: value = try .name(Self.choice(key, text, MemoryState.allCases.map(\.rawValue)))
    case .transfer: value = try .name(Self.choice(key, text, words.transfers))
    case .receiver: value = try .name(Self.choice(key, text, ReceiverMode.names))
    case .cache: value = try .name(Self.choice(key, text, CacheState.names))
    case .network: value = try .name(Self.choice(key, text, Network.names))
    case .reading: value = try .name(Self.choice(key, text, Reading.names))
    case .congestion: value = try .name(Self.word(text))
    case .connections: value = try .number(Self.within(1...1024, Quantity.count(text), text))
    case .callBytes: value = try .number(Self.within(1...(1 << 30), Quantity.bytes(text), text))
    case .drain: value = try .flag(Self.choice(key, text, ["true", "false"]) == "true")
    case .recordBytes: value = try .number(Self.within(0...(16 << 20), Quantity.bytes(text), text))
    case .batchBytes: value = try .number(Self.within(1...(1 << 30), Quantity.bytes(text), text))
    case .segmentBytes:
      // Kafka's index holds positions in 32 bits, signed.
      value = try .number(Self.within(1...Int64(Int32.max), Quantity.bytes(text), text))
    case .bytes, .intervalBytes:
      value = try .number(Self.within(1...(1 << 50), Quantity.bytes(text), text))
    case .prefillBytes: value = try .number(Self.within(0...(1 << 50), Quantity.bytes(text), text))
    case .batches, .records:
      value = try .number(Self.within(1...(1 << 50), Quantity.count(text), text))
    case .partitions: value = try .number(Self.within(1...10_000, Quantity.count(text), text))
    case .queueDepth: value = try .number(Self.within(1...4096, Quantity.count(text), text))
    case .intervalMilliseconds:
      value = try .number(Self.within(1...86_400_000, Quantity.milliseconds(text), text))
    }
  }

  private static func choice(
    _ key: ParameterKey, _ text: String, _ accepted: [String]
  ) throws(ValueProblem) -> String {
    if accepted.contains(text) { return text }
    throw ValueProblem(Spelling.unknown("\(key.rawValue)", text, accepted: accepted))
  }

  /// The kernel knows which names it has; this only keeps them names.
  private static func word(_ text: String) throws(ValueProblem) -> String {
    let isName = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    if isName && text.count <= 15 { return text }
    throw ValueProblem("'\(text)' is not a name of TCP's congestion control, such as cubic")
  }

  static func within(
    _ range: ClosedRange<Int64>, _ value: Int64, _ text: String
  ) throws(ValueProblem) -> Int64 {
    if range.contains(value) { return value }
    throw ValueProblem(
      "'\(text)' is out of range; accepted: \(range.lowerBound) to \(range.upperBound)")
  }
}

extension TrialParameters {
  /// Takes a checked setting over.
  package mutating func apply(_ setting: Setting) {
    switch setting.value {
    case .name(let name): apply(setting.key, name)
    case .number(let number): apply(setting.key, number)
    case .flag(let flag): if setting.key == .drain { drain = flag }
    }
  }

  private mutating func apply(_ key: ParameterKey, _ name: String) {
    switch key {
    case .target: target = name
    case .backend: backend = name
    case .payload: payload = name
    case .durability: durability = Durability(rawValue: name) ?? durability
    case .preallocation: preallocation = Preallocation(rawValue: name)
    case .arrival: arrival = Arrival(rawValue: name) ?? arrival
    case .memory: memory = MemoryState(rawValue: name) ?? memory
    case .transfer: transfer = name
    case .receiver: receiver = ReceiverMode(rawValue: name) ?? receiver
    case .cache: cache = CacheState(rawValue: name) ?? cache
    case .network: network = Network(rawValue: name) ?? network
    case .reading: reading = Reading(rawValue: name) ?? reading
    case .congestion: congestion = name
    case .recordBytes, .batchBytes, .partitions, .bytes, .batches, .records, .queueDepth,
      .prefillBytes, .segmentBytes, .intervalMilliseconds, .intervalBytes, .drain, .connections,
      .callBytes:
      break
    }
  }

  private mutating func apply(_ key: ParameterKey, _ number: Int64) {
    switch key {
    case .recordBytes: recordBytes = Int(number)
    case .batchBytes: batchBytes = Int(number)
    case .partitions: partitions = Int(number)
    case .bytes: length = .bytes(number)
    case .batches: length = .batches(number)
    case .records: length = .records(number)
    case .queueDepth: queueDepth = Int(number)
    case .prefillBytes: prefillBytes = number
    case .segmentBytes: segmentBytes = number
    case .intervalMilliseconds: intervalMilliseconds = number
    case .intervalBytes: intervalBytes = number
    case .connections: connections = Int(number)
    case .callBytes: callBytes = Int(number)
    case .target, .backend, .payload, .durability, .preallocation, .arrival, .memory, .drain,
      .transfer, .receiver, .cache, .network, .reading, .congestion:
      break
    }
  }

  /// The value of `key`; nil for the two of the three lengths that do not hold.
  package func value(of key: ParameterKey) -> Setting.Value? {
    switch key {
    case .target: .name(target)
    case .backend: .name(backend)
    case .durability: .name(durability.rawValue)
    case .payload: .name(payload)
    case .recordBytes: .number(Int64(recordBytes))
    case .batchBytes: .number(Int64(batchBytes))
    case .partitions: .number(Int64(partitions))
    case .preallocation: .name(preallocation?.rawValue ?? Preallocation.ownWay)
    case .bytes: if case .bytes(let count) = length { .number(count) } else { nil }
    case .batches: if case .batches(let count) = length { .number(count) } else { nil }
    case .records: if case .records(let count) = length { .number(count) } else { nil }
    case .arrival: .name(arrival.rawValue)
    case .queueDepth: .number(Int64(queueDepth))
    case .prefillBytes: .number(prefillBytes)
    case .segmentBytes: .number(segmentBytes)
    case .intervalMilliseconds: .number(intervalMilliseconds)
    case .intervalBytes: .number(intervalBytes)
    case .memory: .name(memory.rawValue)
    case .drain: .flag(drain)
    case .transfer: .name(transfer)
    case .receiver: .name(receiver.rawValue)
    case .cache: .name(cache.rawValue)
    case .network: .name(network.rawValue)
    case .connections: .number(Int64(connections))
    case .callBytes: .number(Int64(callBytes))
    case .reading: .name(reading.rawValue)
    case .congestion: .name(congestion)
    }
  }

  /// The value of `key` as a suite would write it; nil as above.
  package func text(of key: ParameterKey) -> String? {
    value(of: key).map { Setting(key, $0).text }
  }
}

extension Setting {
  fileprivate init(_ key: ParameterKey, _ value: Value) {
    self.key = key
    self.value = value
  }

  /// The value as a suite would write it.
  package var text: String {
    switch value {
    case .name(let name): name
    case .flag(let flag): "\(flag)"
    case .number(let number):
      key.rawValue.hasSuffix("bytes") ? Quantity.text(bytes: number) : "\(number)"
    }
  }
}
