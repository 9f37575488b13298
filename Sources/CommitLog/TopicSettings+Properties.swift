import LogStorage

// Settings as text: `name=value`, a line each, by Kafka's names.

extension TopicSettings {
  /// Every setting's name, in the order in which they are written.
  package static let names =
    [
      "segment.bytes", "segment.ms", "index.interval.bytes", "retention.ms", "retention.bytes",
      "message.timestamp.type", "varve.durability", "flush.ms", "varve.flush.bytes",
      "varve.backend", "varve.preallocation",
    ]
    + namesLeftOut

  /// Settings that a topic's file has only where they are not what a topic without them has. Files
  /// from before there were these stay true, and the file of a topic that uses none stays as it was.
  static let namesLeftOut = [
    "max.message.bytes", "varve.transfer", "cleanup.policy", "compression.type",
    "message.timestamp.before.max.ms", "message.timestamp.after.max.ms",
  ]

  /// Sets what a file leaves out to what it then means, whatever a server's defaults are.
  mutating func setWhatIsLeftOut() {
    let builtIn = TopicSettings(backend: backend)
    messageBytesMax = builtIn.messageBytesMax
    transfer = builtIn.transfer
    timestampBeforeMaxMilliseconds = builtIn.timestampBeforeMaxMilliseconds
    timestampAfterMaxMilliseconds = builtIn.timestampAfterMaxMilliseconds
  }

  /// The setting's value as text; nil for an unknown name. Retention that keeps everything is -1,
  /// as in Kafka.
  package func value(of name: String) -> String? {
    switch name {
    case "segment.bytes": "\(segmentBytes)"
    case "segment.ms": "\(segmentMilliseconds)"
    case "index.interval.bytes": "\(indexIntervalBytes)"
    case "retention.ms": "\(retentionMilliseconds ?? -1)"
    case "retention.bytes": "\(retentionBytes ?? -1)"
    case "message.timestamp.type": timestampSource.rawValue
    case "varve.durability": durability.rawValue
    case "flush.ms": "\(flushMilliseconds)"
    case "varve.flush.bytes": "\(flushBytes)"
    case "varve.backend": backend
    case "varve.preallocation": preallocation?.rawValue ?? Self.ownWay
    case "max.message.bytes": "\(messageBytesMax)"
    case "varve.transfer": transfer
    case "cleanup.policy": Self.onlyCleanupPolicy
    case "compression.type": Self.onlyCompression
    case "message.timestamp.before.max.ms": "\(timestampBeforeMaxMilliseconds)"
    case "message.timestamp.after.max.ms": "\(timestampAfterMaxMilliseconds)"
    default: nil
    }
  }

  /// Sets one setting from text. What was wrong, or nil.
  package mutating func set(_ name: String, to text: String) -> String? {
    func number(_ range: ClosedRange<Int64>, _ apply: (Int64) -> Void) -> String? {
      guard let value = Int64(text), range.contains(value) else {
        return "\(name): found '\(text)', expected a whole number from \(range.lowerBound) to "
          + "\(range.upperBound)"
      }
      apply(value)
      return nil
    }
    switch name {
    case "segment.bytes":
      return number(1024...Int64(Int32.max)) { segmentBytes = Int($0) }
    case "segment.ms": return number(1...Int64.max) { segmentMilliseconds = $0 }
    case "index.interval.bytes":
      return number(0...Int64(Int32.max)) { indexIntervalBytes = Int($0) }
    case "retention.ms":
      return number(-1...Int64.max) { retentionMilliseconds = $0 < 0 ? nil : $0 }
    case "retention.bytes": return number(-1...Int64.max) { retentionBytes = $0 < 0 ? nil : $0 }
    case "message.timestamp.type":
      guard let source = TimestampSource(rawValue: text) else {
        return unknown(name, text, TimestampSource.allCases.map(\.rawValue))
      }
      timestampSource = source
    case "varve.durability":
      guard let value = Durability(rawValue: text) else {
        return unknown(name, text, Durability.allCases.map(\.rawValue))
      }
      durability = value
    case "flush.ms": return number(1...Int64.max) { flushMilliseconds = $0 }
    case "varve.flush.bytes": return number(1...Int64.max) { flushBytes = $0 }
    case "varve.backend":
      if text.isEmpty { return "\(name): found nothing, expected a backend's name" }
      backend = text
    case "varve.preallocation":
      if text == Self.ownWay {
        preallocation = nil
      } else if let way = Preallocation(rawValue: text) {
        preallocation = way
      } else {
        return unknown(name, text, [Self.ownWay] + Preallocation.allCases.map(\.rawValue))
      }
    case "max.message.bytes":
      return number(0...Int64(Int32.max)) { messageBytesMax = Int($0) }
    case "varve.transfer":
      if text.isEmpty { return "\(name): found nothing, expected a transfer path's name" }
      transfer = text
    case "cleanup.policy": return reasonAgainstCleanup(name, text)
    case "compression.type":
      if text != Self.onlyCompression {
        return unknown(name, text, [Self.onlyCompression])
          + ": batches stay as their producer made them"
      }
    case "message.timestamp.before.max.ms":
      return number(0...Int64.max) { timestampBeforeMaxMilliseconds = $0 }
    case "message.timestamp.after.max.ms":
      return number(0...Int64.max) { timestampAfterMaxMilliseconds = $0 }
    default:
      return "unknown setting '\(name)'; expected one of \(Self.names.joined(separator: ", "))"
    }
    return nil
  }

  /// Why the topic's backend, which can come by its space in the `accepted` ways, does not do so as the
  /// settings say; or nil.
  package func reasonToRefuseSpace(_ accepted: [Preallocation]?) -> String? {
    guard let preallocation, let accepted, !accepted.contains(preallocation) else { return nil }
    let ways = [Self.ownWay] + accepted.map(\.rawValue)
    return "varve.preallocation: found '\(preallocation.rawValue)', and the backend '\(backend)' "
      + "takes \(ways.joined(separator: ", "))"
  }

  /// The backend decides.
  private static let ownWay = "default"
  private static let onlyCleanupPolicy = "delete"
  private static let onlyCompression = "producer"

  private func reasonAgainstCleanup(_ name: String, _ text: String) -> String? {
    if text == Self.onlyCleanupPolicy { return nil }
    let isCompaction = text.split(separator: ",").contains { $0.contains("compact") }
    return unknown(name, text, [Self.onlyCleanupPolicy])
      + (isCompaction ? ": there is no log compaction here" : "")
  }

  private func unknown(_ name: String, _ text: String, _ accepted: [String]) -> String {
    "\(name): found '\(text)', expected \(accepted.joined(separator: ", "))"
  }
}
