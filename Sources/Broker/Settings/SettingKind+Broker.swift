import LinuxIO
import Wording

// Kinds of values that only a broker's settings have.

extension SettingKind<String> {
  /// Kafka's cluster ids are 22 of these characters; any name without surprises will do.
  static let clusterID = SettingKind(
    .string,
    expected: "at most 64 letters, digits, '-' and '_', or nothing",
    parse: { text in
      text.utf8.count <= 64
        && text.utf8.allSatisfy {
          switch $0 {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
          case UInt8(ascii: "0")...UInt8(ascii: "9"): true
          default: $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
          }
        } ? text : nil
    }, text: { $0 })

  /// Places of threads, which get them in turn.
  static let places = SettingKind(
    .string,
    expected: "places separated by ';', each 'any', 'cpu:' and processors, or 'node:' and a node",
    parse: { text in
      let places = text.split(separator: ";", omittingEmptySubsequences: false)
      return places.allSatisfy { Placement.isWellFormed(String($0)) } ? text : nil
    }, text: { $0 })

  /// Kafka takes a list of them, separated by commas.
  static let directory = SettingKind(
    .string,
    expected: "the path of one directory",
    parse: { text in
      let isPath = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: ",") }
      return !text.isEmpty && text.utf8.count < 4096 && isPath ? text : nil
    }, text: { $0 })
}

extension SettingKind<NetworkAddress> {
  /// Where the broker listens.
  static let listener = SettingKind(
    .string,
    expected:
      "one PLAINTEXT://HOST:PORT with an IPv4 address, 'localhost' or no host at all, and a port from 0 to "
      + "65535",
    parse: { text in withoutProtocol(text).flatMap { $0.bindHost == nil ? nil : $0 } },
    text: { "PLAINTEXT://\($0)" })

  /// Without `PLAINTEXT://`, which may be there or not.
  fileprivate static func withoutProtocol(_ text: String) -> NetworkAddress? {
    let scheme = "PLAINTEXT://"
    return NetworkAddress(text.hasPrefix(scheme) ? String(text.dropFirst(scheme.count)) : text)
  }
}

extension SettingKind<NetworkAddress?> {
  /// What clients are told to connect to.
  static let advertised = SettingKind(
    .string,
    expected:
      "one PLAINTEXT://HOST:PORT that clients can connect to, with a port from 0 to 65535, or nothing",
    parse: { text in
      if text.isEmpty { return .some(nil) }
      guard let address = SettingKind<NetworkAddress>.withoutProtocol(text), !address.isWildcard
      else { return nil }
      return .some(address)
    }, text: { $0.map { "PLAINTEXT://\($0)" } ?? "" })

  /// Where something beside the broker listens, if anywhere.
  static let bindAddress = SettingKind(
    .string,
    expected:
      "HOST:PORT with an IPv4 address, 'localhost' or no host at all, and a port from 0 to 65535, or "
      + "nothing",
    parse: { text in
      if text.isEmpty { return .some(nil) }
      guard let address = NetworkAddress(text), address.bindHost != nil else { return nil }
      return .some(address)
    }, text: { $0.map { "\($0)" } ?? "" })
}
