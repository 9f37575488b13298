/// Writes Prometheus' text format, version 0.0.4: for each metric its HELP and TYPE once, then its
/// samples. Source: prometheus.io/docs/instrumenting/exposition_formats.
package struct MetricsText {
  /// What the format is called in HTTP.
  package static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

  package enum Kind: String { case counter, gauge, histogram }

  package typealias Labels = [(name: String, value: String)]

  package private(set) var text = ""

  /// Begins a metric; its samples must follow at once.
  package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  package mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
    text += name
    if !labels.isEmpty {
      let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
      text += "{\(pairs.joined(separator: ","))}"
    }
    text += " \(value)\n"
  }

  /// A metric of one sample.
  package mutating func single(
    _ name: String, _ kind: Kind, _ value: some BinaryInteger, _ help: String
  ) {
    begin(name, kind, help)
    sample(name, [], "\(value)")
  }

  /// One histogram's samples, in seconds, its buckets cumulative.
  package mutating func histogram(
    _ name: String, _ labels: Labels, _ reading: DurationHistograms.Reading
  ) {
    var cumulative: Int64 = 0
    for (bound, count) in zip(DurationHistograms.bounds, reading.buckets) {
      cumulative &+= count
      let label = (name: "le", value: Self.seconds(bound))
      sample(name + "_bucket", labels + [label], "\(cumulative)")
    }
    sample(name + "_bucket", labels + [(name: "le", value: "+Inf")], "\(reading.count)")
    sample(name + "_sum", labels, Self.seconds(reading.sumNanoseconds))
    sample(name + "_count", labels, "\(reading.count)")
  }

  /// Nanoseconds as seconds, exactly, without zeros at the end: 0.00005, 1.5, 10.
  package static func seconds(_ nanoseconds: Int64) -> String {
    let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    var text = (nanoseconds < 0 ? "-" : "") + "\(whole)"
    if rest > 0 {
      let digits = "\(rest)"
      text += "." + String(repeating: "0", count: 9 - digits.utf8.count) + digits
      while text.hasSuffix("0") { text.removeLast() }
    }
    return text
  }

  package static func escaped(_ value: String, quotes: Bool) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\"" where quotes: text += "\\\""
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
