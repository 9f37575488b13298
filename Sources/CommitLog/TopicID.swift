/// A topic's identity: 128 random bits (a version 4 UUID), written as Kafka does, in 22 characters
/// of URL-safe base64.
package struct TopicID: Hashable, Sendable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  /// A new identity. Never one whose text begins with a dash, which a command line would take for
  /// an option (Kafka does the same).
  package static func random(
    using generator: inout some RandomNumberGenerator
  ) -> TopicID {
    while true {
      let id = TopicID(
        high: generator.next() & 0xffff_ffff_ffff_0fff | 0x4000,
        low: generator.next() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
      if !id.description.hasPrefix("-") { return id }
    }
  }

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  package var description: String {
    // 132 bits: the 128 and four zeros, six at a time from the top.
    let text = (0..<22).map { index in
      Self.alphabet[Int(bits(from: index * 6))]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The identity that `text` writes; nil for anything but 22 characters of the alphabet.
  package init?(_ text: String) {
    let digits = text.utf8.map { Self.alphabet.firstIndex(of: $0) }
    guard digits.count == 22 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, digit) in digits.enumerated() {
      guard let digit else { return nil }
      if index == 21 {
        guard digit & 0xf == 0 else { return nil }
        high = high << 2 | low >> 62
        low = low << 2 | UInt64(digit >> 4)
      } else {
        high = high << 6 | low >> 58
        low = low << 6 | UInt64(digit)
      }
    }
    self.init(high: high, low: low)
  }

  /// Six bits, the first of them `start` bits from the top.
  private func bits(from start: Int) -> UInt64 {
    func bit(_ index: Int) -> UInt64 {
      if index < 64 { return high >> UInt64(63 - index) & 1 }
      return index < 128 ? low >> UInt64(127 - index) & 1 : 0
    }
    return (0..<6).reduce(0) { $0 << 1 | bit(start + $1) }
  }
}
