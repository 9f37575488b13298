import LogStorage

// Settings as text: `name=value`, a line each, by Kafka's names.

extension TopicSettings {
  /// Every setting's name, in the order in which they are written.
  package static let names = [
    "segment.bytes", "segment.ms", "index.interval.bytes", "retention.ms", "retention.bytes",
    "message.timestamp.type", "varve.durability", "flush.ms", "varve.flush.bytes",
    "varve.backend", "varve.preallocation",
  ]

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
    default:
      return "unknown setting '\(name)'; expected one of \(Self.names.joined(separator: ", "))"
    }
    return nil
  }

  /// The backend decides.
  private static let ownWay = "default"

  private func unknown(_ name: String, _ text: String, _ accepted: [String]) -> String {
    "\(name): found '\(text)', expected \(accepted.joined(separator: ", "))"
  }
}
