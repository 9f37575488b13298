/// A struct of the wire protocol. `fields` names its fields in their order on the wire, for the
/// decoder, which assigns them, and for the encoder, which only reads them: both directions come
/// from one declaration.
///
/// Where a version lacks a field, `fields` leaves it out: it keeps its default when decoded, and is
/// not written when encoded, whatever its value. After a throw a struct that was decoded is of no
/// use.
package protocol WireStruct: Hashable, Sendable {
  init()
  /// Ends with `endOfStruct`.
  mutating func fields(_ coder: inout some FieldCoder) throws(WireError)
}

/// A request's or a response's body.
package protocol WireMessage: WireStruct {
  /// The first version with compact lengths and tagged fields; `Int16.max` for never.
  static var flexibleSince: Int16 { get }
}

package protocol WireRequest: WireMessage {
  associatedtype Response: WireMessage
  /// Kafka's number of the API.
  static var apiNumber: Int16 { get }
  /// The versions that are spoken here, and advertised to clients.
  static var versions: ClosedRange<Int16> { get }
}

/// One direction of the coding of fields. Each function codes one field, at the place where the one
/// before it ended: the decoder assigns it and throws what is wrong with the bytes; the encoder
/// reads it and throws nothing.
///
/// Lengths and counts are compact where the version is flexible, without the caller's doing.
package protocol FieldCoder {
  /// The message's version.
  var version: Int16 { get }
  var isFlexible: Bool { get }

  mutating func bool(_ value: inout Bool) throws(WireError)
  mutating func int8(_ value: inout Int8) throws(WireError)
  mutating func int16(_ value: inout Int16) throws(WireError)
  mutating func int32(_ value: inout Int32) throws(WireError)
  mutating func int64(_ value: inout Int64) throws(WireError)
  mutating func uuid(_ value: inout UUIDBits) throws(WireError)

  /// At most `WireLimits.stringByteCountMax` bytes; the encoder cuts a longer string there, at the
  /// end of a character's encoding.
  mutating func string(_ value: inout String) throws(WireError)
  mutating func nullableString(_ value: inout String?) throws(WireError)
  mutating func bytes(_ value: inout [UInt8]) throws(WireError)
  mutating func nullableBytes(_ value: inout [UInt8]?) throws(WireError)
  mutating func records(_ value: inout RecordsField) throws(WireError)

  mutating func array<Element: WireStruct>(_ value: inout [Element]) throws(WireError)
  mutating func nullableArray<Element: WireStruct>(_ value: inout [Element]?) throws(WireError)
  mutating func int32Array(_ value: inout [Int32]) throws(WireError)
  mutating func int64Array(_ value: inout [Int64]) throws(WireError)
  mutating func stringArray(_ value: inout [String]) throws(WireError)
  mutating func nullableStringArray(_ value: inout [String]?) throws(WireError)

  /// The tagged fields at the end of a struct; nothing in a version that is not flexible.
  ///
  /// `known` are the struct's own, in ascending order: the encoder writes those that are set, the
  /// decoder skips all others. `field` codes the one with that tag, with the coder that it is given.
  mutating func endOfStruct(
    _ known: [TaggedField], _ field: (_ tag: UInt32, _ coder: inout Self) throws(WireError) -> Void
  ) throws(WireError)
}

extension FieldCoder {
  /// A struct without tagged fields of its own: unknown ones are skipped, none are written.
  package mutating func endOfStruct() throws(WireError) {
    try endOfStruct([]) { (_, _) throws(WireError) in }
  }

  /// A struct within a struct.
  package mutating func structure(_ value: inout some WireStruct) throws(WireError) {
    try value.fields(&self)
  }

  /// A string that may be null since this version, and that means the same when it is empty.
  package mutating func string(
    _ value: inout String, emptyIsNullSince first: Int16
  ) throws(WireError) {
    if version < first { return try string(&value) }
    var text: String? = value.isEmpty ? nil : value
    try nullableString(&text)
    value = text ?? ""
  }

  /// An array that may be null since this version only. Before, null is a `WireError`, and nil is
  /// written as an empty array.
  package mutating func nullableArray<Element: WireStruct>(
    _ value: inout [Element]?, since first: Int16
  ) throws(WireError) {
    if version >= first { return try nullableArray(&value) }
    var elements = value ?? []
    try array(&elements)
    value = elements
  }
}

/// A tagged field that a struct knows.
package struct TaggedField: Hashable, Sendable {
  package var tag: UInt32
  /// Whether it is other than its default, and so is to be written.
  package var isSet: Bool

  package init(_ tag: UInt32, isSet: Bool) {
    self.tag = tag
    self.isSet = isSet
  }
}

/// Where a produce request's or a fetch response's batches are.
package enum RecordsField: Hashable, Sendable {
  case null
  /// Decoded: the positions of the batches' bytes in what was decoded, counted from its first byte.
  /// Encoded it is a gap of as many bytes.
  case range(Range<Int>)
  /// To encode as they are.
  case bytes([UInt8])
  /// To encode: the length is written, and so many bytes are to be sent from elsewhere, at this
  /// place. See `EncodedResponse.gaps`.
  case gap(Int)

  /// The batches' bytes, 0 for null.
  package var byteCount: Int {
    switch self {
    case .null: 0
    case .range(let range): range.count
    case .bytes(let bytes): bytes.count
    case .gap(let byteCount): max(byteCount, 0)
    }
  }
}

/// A UUID's 128 bits, as Kafka's topic ids have them.
package struct UUIDBits: Hashable, Sendable {
  /// What Kafka means by no id.
  package static let zero = UUIDBits()

  /// The first eight bytes, big-endian.
  package var high: UInt64
  /// The last eight bytes, big-endian.
  package var low: UInt64

  package init(high: UInt64 = 0, low: UInt64 = 0) {
    self.high = high
    self.low = low
  }
}
