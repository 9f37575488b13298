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
  case stallMilliseconds = "stall_ms"
  case stallAtMilliseconds = "stall_at_ms"
  case slowdownPercent = "slowdown_percent"
  case memoryLimit = "memory_limit"
  case variant

  /// `bytes`, `batches`, `records` and `duration` are ways to say one thing: the last one said holds.
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
    case .variant: value = try .name(Self.variant(text))
    case .recordSizes: value = try .name(Self.choice(key, text, RecordSizeKind.names))
    case .consumeFrom: value = try .name(Self.choice(key, text, ConsumeFrom.names))
    case .placeProducers, .placeConsumers, .placeLog: value = try .name(Self.place(text))
    case .producers: value = try .number(Self.within(1...256, Quantity.count(text), text))
    case .consumers: value = try .number(Self.within(0...256, Quantity.count(text), text))
    case .inFlight: value = try .number(Self.within(1...4096, Quantity.count(text), text))
    case .rate: value = try .number(Self.within(1...1_000_000_000, Quantity.count(text), text))
    case .lingerMilliseconds:
      value = try .number(Self.within(0...60_000, Quantity.milliseconds(text), text))
    case .duration:
      value = try .number(Self.within(1...3_600_000, Quantity.milliseconds(text), text))
    case .stallMilliseconds, .stallAtMilliseconds:
      value = try .number(Self.within(0...600_000, Quantity.milliseconds(text), text))
    case .slowdownPercent:
      value = try .number(Self.within(0...1000, Quantity.count(text), text))
    case .retentionBytes, .memoryLimit:
      value = try .number(Self.within(0...(1 << 50), Quantity.bytes(text), text))
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

  /// A name that tells two cells apart and changes nothing.
  private static func variant(_ text: String) throws(ValueProblem) -> String {
    let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    if isPlain && text.count <= 24 { return text }
    throw ValueProblem("'\(text)' is not a variant's name: up to 24 letters, digits and -")
  }

  /// The trial asks the machine whether it has the place.
  private static func place(_ text: String) throws(ValueProblem) -> String {
    if Placement.isWellFormed(text) { return text }
    throw ValueProblem("'\(text)' is not a place; write any, cpu:0, cpu:0-1,3 or node:0")
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
    case .variant: variant = name
    case .recordSizes: recordSizes = RecordSizeKind(rawValue: name) ?? recordSizes
    case .consumeFrom: consumeFrom = ConsumeFrom(rawValue: name) ?? consumeFrom
    case .placeProducers: placeProducers = name
    case .placeConsumers: placeConsumers = name
    case .placeLog: placeLog = name
    // The others are numbers.
    default: break
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
    case .producers: producers = Int(number)
    case .consumers: consumers = Int(number)
    case .inFlight: inFlight = Int(number)
    case .rate: rate = number
    case .lingerMilliseconds: lingerMilliseconds = number
    case .duration: length = .duration(milliseconds: number)
    case .stallMilliseconds: stallMilliseconds = number
    case .stallAtMilliseconds: stallAtMilliseconds = number
    case .slowdownPercent: slowdownPercent = Int(number)
    case .retentionBytes: retentionBytes = number
    case .memoryLimit: memoryLimit = number
    // The others are names.
    default: break
    }
  }

  /// The value of `key`; nil for the lengths that do not hold.
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
    default: loadValue(of: key)
    }
  }

  /// Of the keys of producers, consumers and what is done to them.
  private func loadValue(of key: ParameterKey) -> Setting.Value? {
    switch key {
    case .producers: .number(Int64(producers))
    case .consumers: .number(Int64(consumers))
    case .inFlight: .number(Int64(inFlight))
    case .rate: .number(rate)
    case .lingerMilliseconds: .number(lingerMilliseconds)
    case .duration:
      if case .duration(let milliseconds) = length { .number(milliseconds) } else { nil }
    case .recordSizes: .name(recordSizes.rawValue)
    case .consumeFrom: .name(consumeFrom.rawValue)
    case .retentionBytes: .number(retentionBytes)
    case .placeProducers: .name(placeProducers)
    case .placeConsumers: .name(placeConsumers)
    case .placeLog: .name(placeLog)
    case .stallMilliseconds: .number(stallMilliseconds)
    case .stallAtMilliseconds: .number(stallAtMilliseconds)
    case .slowdownPercent: .number(Int64(slowdownPercent))
    case .memoryLimit: .number(memoryLimit)
    case .variant: .name(variant)
    default: nil
    }
  }

  /// The value of `key` as a suite would write it; nil as above.
  package func text(of key: ParameterKey) -> String? {
    value(of: key).map { Setting(key, $0).text }
  }
}

extension TrialParameters {
  /// The value of `key` with sizes in bytes, for a table; nil as above.
  func number(of key: ParameterKey) -> String? {
    switch value(of: key) {
    case .number(let number): "\(number)"
    case .name(let name): name
    case .flag(let flag): "\(flag)"
    case nil: nil
    }
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
      key.rawValue.hasSuffix("bytes") || key == .memoryLimit
        ? Quantity.text(bytes: number) : "\(number)"
    }
  }
}
