/// A host and a TCP port, as `HOST:PORT`.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  /// An IPv4 address or a name; empty is every address of this machine.
  package let host: String
  package let port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// From `HOST:PORT`; nil for anything else. The host is an IPv4 address, a name of letters,
  /// digits, `-`, `_` and `.`, or empty.
  package init?(_ text: String) {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let host = text[..<colon]
    let port = text[text.index(after: colon)...]
    // UInt16 alone would take a sign.
    guard port.utf8.allSatisfy(Self.isDigit), let port = UInt16(port) else { return nil }
    guard host.utf8.count <= 253, host.utf8.allSatisfy(Self.isOfAName) else { return nil }
    // What looks like an address must be one, or a mistyped digit would be looked up as a name.
    let isNumeric = host.utf8.allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
    if !host.isEmpty, isNumeric, !Self.isIPv4(host) { return nil }
    self.init(host: String(host), port: port)
  }

  package var description: String { "\(host):\(port)" }

  /// The IPv4 address to bind, in digits; nil where the host is a name other than `localhost`.
  package var bindHost: String? {
    switch host {
    case "": "0.0.0.0"
    case "localhost": "127.0.0.1"
    default: Self.isIPv4(host[...]) ? host : nil
    }
  }

  /// True where it stands for every address, which no client can connect to.
  package var isWildcard: Bool { bindHost == "0.0.0.0" }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func isOfAName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
    default: isDigit(byte)
    }
  }

  /// Four numbers without leading zeros, which some would read as octal.
  private static func isIPv4(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        part.utf8.allSatisfy(isDigit) && (part == "0" || !part.hasPrefix("0"))
          && UInt8(part) != nil
      }
  }
}
