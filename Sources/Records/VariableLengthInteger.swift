/// Kafka's varint and varlong: a signed integer, zigzag encoded (0, -1, 1, -2, … become 0, 1, 2,
/// 3, …), then seven bits a byte, lowest first; the high bit of a byte says that another follows.
///
/// A varint (32 bits) takes 1 to 5 bytes, a varlong (64 bits) 1 to 10. The two encode a value that
/// fits both in the same bytes. Decoding accepts redundant leading zeros within those limits, as
/// Kafka's own reader does; encoding is always the shortest.
package enum VariableLengthInteger {
  /// Why bytes are not a variable-length integer.
  package enum DecodingError: Error, Hashable, Sendable {
    /// The bytes end where another byte was announced.
    case endOfBytes
    /// More bytes, or more bits, than the integer's width allows.
    case overlong
  }

  package static let varintByteCountMax = 5
  package static let varlongByteCountMax = 10

  /// Reads the varint that begins at `position` and moves `position` past it. Reads no byte at or
  /// past `end`, which is at most `bytes.byteCount`. After a throw `position` is unchanged.
  package static func decodeVarint(
    _ bytes: RawSpan, at position: inout Int, end: Int
  ) throws(DecodingError) -> Int32 {
    let raw = try decodeUnsigned(
      bytes, at: &position, end: end, byteCountMax: varintByteCountMax, lastByteMax: 0x0f)
    let bits = UInt32(truncatingIfNeeded: raw)
    return Int32(bitPattern: bits &>> 1) ^ -Int32(bitPattern: bits & 1)
  }

  /// Reads the varlong that begins at `position`, under `decodeVarint`'s contract.
  package static func decodeVarlong(
    _ bytes: RawSpan, at position: inout Int, end: Int
  ) throws(DecodingError) -> Int64 {
    let bits = try decodeUnsigned(
      bytes, at: &position, end: end, byteCountMax: varlongByteCountMax, lastByteMax: 0x01)
    return Int64(bitPattern: bits &>> 1) ^ -Int64(bitPattern: bits & 1)
  }

  /// Writes `value` at `position` and moves `position` past it. There must be room for
  /// `byteCount(of: value)` bytes.
  package static func encode(
    _ value: Int64, into bytes: inout MutableRawSpan, at position: inout Int
  ) {
    var bits = zigzag(value)
    while bits >= 0x80 {
      bytes.storeBytes(
        of: UInt8(truncatingIfNeeded: bits) | 0x80, toByteOffset: position, as: UInt8.self)
      position += 1
      bits &>>= 7
    }
    bytes.storeBytes(of: UInt8(truncatingIfNeeded: bits), toByteOffset: position, as: UInt8.self)
    position += 1
  }

  /// Appends `value` to `bytes`.
  package static func encode(_ value: Int64, into bytes: inout [UInt8]) {
    var bits = zigzag(value)
    while bits >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: bits) | 0x80)
      bits &>>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: bits))
  }

  /// How many bytes `value` takes, as a varlong and, where it fits 32 bits, as a varint.
  package static func byteCount(of value: Int64) -> Int {
    let bitCount = 64 - (zigzag(value) | 1).leadingZeroBitCount
    return (bitCount &* 9 &+ 64) &>> 6  // bitCount / 7, rounded up, for 1 to 64
  }

  private static func zigzag(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))
  }

  /// `lastByteMax` is the greatest byte that may stand in the last possible place: the bits that
  /// the integer's width leaves for it.
  @inline(__always)
  private static func decodeUnsigned(
    _ bytes: RawSpan, at position: inout Int, end: Int, byteCountMax: Int, lastByteMax: UInt8
  ) throws(DecodingError) -> UInt64 {
    var next = position
    guard next < end else { throw .endOfBytes }
    var byte = bytes.unsafeLoad(fromByteOffset: next, as: UInt8.self)
    next += 1
    if byte < 0x80 {
      position = next
      return UInt64(byte)
    }
    var bits = UInt64(byte & 0x7f)
    for index in 1..<byteCountMax {
      guard next < end else { throw .endOfBytes }
      byte = bytes.unsafeLoad(fromByteOffset: next, as: UInt8.self)
      next += 1
      bits |= UInt64(byte & 0x7f) &<< UInt64(truncatingIfNeeded: 7 * index)
      if byte < 0x80 {
        if index == byteCountMax - 1 && byte > lastByteMax { throw .overlong }
        position = next
        return bits
      }
    }
    throw .overlong
  }
}
