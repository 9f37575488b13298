/// An input, taken from the front. Past its end everything is zero, so that every input is a program.
struct FuzzInput {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  mutating func byte() -> UInt8 {
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func bit() -> Bool { byte() & 1 == 1 }

  /// A number from 0 up to, not including, `bound`; one byte.
  mutating func below(_ bound: Int) -> Int { Int(byte()) % max(1, bound) }

  /// Two bytes, big-endian.
  mutating func word() -> Int { Int(byte()) << 8 | Int(byte()) }

  mutating func integer() -> Int64 {
    var value: UInt64 = 0
    for _ in 0..<8 { value = value << 8 | UInt64(byte()) }
    return Int64(bitPattern: value)
  }

  /// Up to `count` bytes.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let end = min(bytes.count, position + max(0, count))
    defer { position = end }
    return Array(bytes[position..<end])
  }

  mutating func rest() -> [UInt8] { bytes(bytes.count) }

  mutating func element<Element>(of elements: [Element]) -> Element {
    elements[below(elements.count)]
  }
}

/// The other way: what a seed writes, a target takes.
struct FuzzProgram {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: Int) { bytes.append(UInt8(truncatingIfNeeded: value)) }

  mutating func word(_ value: Int) {
    byte(value >> 8)
    byte(value)
  }

  mutating func integer(_ value: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) { byte(Int(value >> Int64(shift))) }
  }

  mutating func add(_ more: [UInt8]) { bytes += more }
}
