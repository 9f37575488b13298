import Logging
import Wording

/// How lines of the log look (`varve.log.format`).
package enum LogFormat: String, CaseIterable, Hashable, Sendable {
  /// `2026-11-25T03:28:00.123Z info message key=value key="a b"`
  case text
  /// One object a line: `time`, `level`, `message`, and the fields.
  case json
}

/// swift-log's events as lines. One line an event, whatever a client put into it: control
/// characters are escaped and long values cut.
package struct LineHandler: LogHandler {
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let format: LogFormat
  /// Milliseconds since 1970.
  private let clock: @Sendable () -> Int64
  private let write: @Sendable (String) -> Void

  package init(
    format: LogFormat, level: Logger.Level, clock: @escaping @Sendable () -> Int64,
    write: @escaping @Sendable (String) -> Void
  ) {
    self.format = format
    logLevel = level
    self.clock = clock
    self.write = write
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
    let sorted = fields.sorted { $0.key < $1.key }.map {
      ($0.key, LineText.cut($0.value.description))
    }
    let time = LineText.time(milliseconds: clock())
    let message = LineText.cut(event.message.description)
    switch format {
    case .text: write(LineText.text(time, event.level.rawValue, message, sorted))
    case .json: write(LineText.json(time, event.level.rawValue, message, sorted))
    }
  }
}

/// The text of lines.
package enum LineText {
  typealias Fields = [(name: String, value: String)]

  static func text(_ time: String, _ level: String, _ message: String, _ fields: Fields) -> String {
    var line = "\(time) \(level) \(escaped(message, quotes: false))"
    for field in fields {
      let isPlain =
        !field.value.isEmpty
        && field.value.unicodeScalars.allSatisfy {
          $0.value > 0x20 && $0.value != 0x7f && $0 != "\"" && $0 != "=" && $0 != "\\"
        }
      line += " \(escaped(field.name, quotes: true))="
      line += isPlain ? escaped(field.value, quotes: true) : quoted(field.value)
    }
    return line + "\n"
  }

  static func json(_ time: String, _ level: String, _ message: String, _ fields: Fields) -> String {
    var line = "{\"time\":\(quoted(time)),\"level\":\(quoted(level)),\"message\":\(quoted(message))"
    for field in fields {
      // A key that comes twice is read one way by some and another by others.
      let isTaken = ["time", "level", "message"].contains(field.name)
      line += ",\(quoted(isTaken ? field.name + "_" : field.name)):\(quoted(field.value))"
    }
    return line + "}\n"
  }

  /// What a log needs of a value; the rest is left out.
  static func cut(_ text: String) -> String {
    let limit = 1024
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return text }
    return String(scalars[..<end]) + "…"
  }

  /// A JSON string, which the text format quotes by too (RFC 8259).
  static func quoted(_ text: String) -> String { "\"\(escaped(text, quotes: true))\"" }

  /// Control characters escaped as in JSON, those of Latin-1 and line separators too, since
  /// terminals heed them.
  private static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22 where quotes: escaped += "\\\""
      case 0x5c where quotes: escaped += "\\\\"
      case 0x0a: escaped += "\\n"
      case 0x0d: escaped += "\\r"
      case 0x09: escaped += "\\t"
      case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029:
        let digits = String(scalar.value, radix: 16)
        escaped += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// `2026-11-25T03:28:00.123Z`
  package static func time(milliseconds: Int64) -> String {
    UTCTime.text(milliseconds: milliseconds)
  }
}
