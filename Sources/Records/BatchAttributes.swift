/// How a batch's records are compressed. The raw value is what the attributes' low three bits hold.
package enum CompressionCodec: UInt8, Hashable, Sendable, CaseIterable {
  case none = 0
  case gzip, snappy, lz4, zstd
}

extension CompressionCodec: CustomStringConvertible {
  package var description: String {
    switch self {
    case .none: "none"
    case .gzip: "gzip"
    case .snappy: "snappy"
    case .lz4: "lz4"
    case .zstd: "zstd"
    }
  }
}

/// What a batch's timestamps mean.
package enum TimestampType: Hashable, Sendable {
  /// Each record carries the time that its producer gave it.
  case createTime
  /// The log stamped the whole batch when it was appended: every record's time is the batch's
  /// `maxTimestamp`, whatever its own delta says.
  case appendTime
}

/// A batch's 16 attribute bits.
///
/// ```
///   15 … 7    6               5        4              3          2 … 0
///   | zero  | delete horizon | control | transactional | timestamp | compression |
/// ```
///
/// A value of this type holds known bits only.
package struct BatchAttributes: RawRepresentable, Hashable, Sendable {
  package private(set) var rawValue: UInt16

  private static let codecMask: UInt16 = 0x07
  static let appendTimeBit: UInt16 = 0x08
  private static let transactionalBit: UInt16 = 0x10
  private static let controlBit: UInt16 = 0x20
  private static let deleteHorizonBit: UInt16 = 0x40
  private static let knownBits: UInt16 = 0x7f

  /// Nil where a bit is set, or a codec is named, that this format's version does not know.
  package init?(rawValue: UInt16) {
    guard let attributes = try? BatchAttributes(parsing: rawValue) else { return nil }
    self = attributes
  }

  /// Throws `.unknownAttributes` or `.unknownCompression` where a bit is set, or a codec is named,
  /// that this format's version does not know.
  package init(parsing rawValue: UInt16) throws(BatchError) {
    guard rawValue & ~Self.knownBits == 0 else { throw .unknownAttributes(rawValue) }
    let codec = UInt8(rawValue & Self.codecMask)
    guard CompressionCodec(rawValue: codec) != nil else { throw .unknownCompression(codec) }
    self.rawValue = rawValue
  }

  package init(
    compression: CompressionCodec = .none, timestampType: TimestampType = .createTime,
    isTransactional: Bool = false, isControl: Bool = false, hasDeleteHorizon: Bool = false
  ) {
    rawValue = UInt16(compression.rawValue)
    if timestampType == .appendTime { rawValue |= Self.appendTimeBit }
    if isTransactional { rawValue |= Self.transactionalBit }
    if isControl { rawValue |= Self.controlBit }
    if hasDeleteHorizon { rawValue |= Self.deleteHorizonBit }
  }

  package var compression: CompressionCodec {
    // Every way to a value has checked the bits.
    CompressionCodec(rawValue: UInt8(rawValue & Self.codecMask)) ?? .none
  }

  package var timestampType: TimestampType {
    rawValue & Self.appendTimeBit == 0 ? .createTime : .appendTime
  }

  /// The records belong to a transaction of the batch's producer.
  package var isTransactional: Bool { rawValue & Self.transactionalBit != 0 }

  /// The batch holds a transaction's marker, which no consumer is shown.
  package var isControl: Bool { rawValue & Self.controlBit != 0 }

  /// Compaction has set the time after which this batch's tombstones may go; `baseTimestamp` is
  /// that time, and the records' deltas count from it.
  package var hasDeleteHorizon: Bool { rawValue & Self.deleteHorizonBit != 0 }
}
