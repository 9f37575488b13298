/// Why bytes are not a message. Positions are in bytes from the first byte of what was decoded.
package enum WireError: Error, Hashable, Sendable {
  /// The frame, or the tagged field, ends inside this field.
  case endOfBytes(WireField, position: Int, needed: Int, available: Int)
  /// Null, where this version of the message has no null.
  case unexpectedNull(WireField, position: Int)
  /// A length or count that is negative, or greater than what may be there.
  case lengthOutOfRange(WireField, position: Int, found: Int64, maximum: Int)
  /// A variable-length integer of more than 32 bits.
  case overlongInteger(WireField, position: Int)
  /// A string whose bytes are not UTF-8. The position is that of its first byte.
  case invalidUTF8(position: Int, byteCount: Int)
  /// The message has more array elements than `WireLimits.elementCountMax`, from this array on.
  case tooManyElements(position: Int, found: Int, maximum: Int)
  /// A known tagged field that ends before its own size does.
  case taggedFieldNotUsedUp(tag: UInt32, position: Int, found: Int, expected: Int)
  /// The message ends here, and bytes are left.
  case trailingBytes(position: Int, count: Int)
  /// A version of a message that is not spoken here.
  case unsupportedVersion(APIKey, found: Int16, expected: ClosedRange<Int16>)
}

/// The kinds of fields, by the names that errors call them.
package enum WireField: String, Hashable, Sendable {
  case bool, int8, int16, int32, int64, uuid, string, bytes, records, array
  case varint = "unsigned varint"
  case taggedFields = "tagged fields"
  case header
}

extension WireError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .endOfBytes(let field, let position, let needed, let available):
      "byte \(position), \(field.rawValue): expected \(needed) bytes, found \(available)"
    case .unexpectedNull(let field, let position):
      "byte \(position), \(field.rawValue): found null, expected a value"
    case .lengthOutOfRange(let field, let position, let found, let maximum):
      "byte \(position), \(field.rawValue): found length \(found), expected 0 to \(maximum)"
    case .overlongInteger(let field, let position):
      "byte \(position), \(field.rawValue): found more than 32 bits, expected at most 32"
    case .invalidUTF8(let position, let byteCount):
      "byte \(position), string: found \(byteCount) bytes that are not UTF-8, expected UTF-8"
    case .tooManyElements(let position, let found, let maximum):
      "byte \(position), array: found \(found) elements in all, expected at most \(maximum)"
    case .taggedFieldNotUsedUp(let tag, let position, let found, let expected):
      "byte \(position), tagged field \(tag): found \(found) bytes of fields, "
        + "expected \(expected) bytes"
    case .trailingBytes(let position, let count):
      "byte \(position): found \(count) bytes, expected the end of the message"
    case .unsupportedVersion(let api, let found, let expected):
      "\(api) request: found version \(found), "
        + "expected \(expected.lowerBound) to \(expected.upperBound)"
    }
  }
}

/// What one message may cost whoever decodes it.
package enum WireLimits {
  /// The greatest string in bytes of UTF-8: what the old int16 length can say, and Kafka's own
  /// limit for the new length.
  package static let stringByteCountMax = 32_767
  /// The most elements in all arrays of one message together. An array's count is besides compared
  /// with the bytes that are left, of which each element takes one at least.
  package static let elementCountMax = 200_000
}
