import Foundation
import Records

/// How `log dump` writes batches and records.
enum DumpText {
  static func line(of header: RecordBatchHeader, at position: FilePosition) -> String {
    var text =
      "batch offset \(header.baseOffset)..\(header.lastOffset) records \(header.recordCount) "
    text += "position \(position) bytes \(header.byteCountTotal) "
    text += "\(header.attributes.timestampType) \(header.baseTimestamp)..\(header.maxTimestamp) "
    text += "compression \(header.attributes.compression) epoch \(header.partitionLeaderEpoch) "
    text += "crc \(String(header.crc, radix: 16))"
    if header.producerID >= 0 {
      text += " producer \(header.producerID)/\(header.producerEpoch)"
      text += " sequence \(header.baseSequence)"
    }
    if header.attributes.isTransactional { text += " transactional" }
    if header.attributes.isControl { text += " control" }
    return text
  }

  static func line(of record: Record, at offset: Offset) -> String {
    var text = "  offset \(offset) timestamp \(record.timestamp) "
    text += "key \(shown(record.key)) value \(shown(record.value))"
    for header in record.headers {
      text += " \(shown(header.key))=\(shown(header.value))"
    }
    return text
  }

  /// Printable text as it is, anything else as hexadecimal; null is not the text "null".
  private static func shown(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "null" }
    if let text = String(validating: bytes, as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
    {
      return "'\(text)'"
    }
    return "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func json(of record: Record, at offset: Offset) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = JSONRecord(record, offset.rawValue)
    guard let data = try? encoder.encode(line) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// Keys and values that are UTF-8 are text; others are base64 under another name.
  private struct JSONRecord: Encodable {
    let record: Record
    let offset: Int64

    init(_ record: Record, _ offset: Int64) {
      self.record = record
      self.offset = offset
    }

    private struct Name: CodingKey {
      let stringValue: String
      let intValue: Int? = nil
      init(_ name: String) { stringValue = name }
      init?(stringValue: String) { self.init(stringValue) }
      init?(intValue: Int) { nil }
    }

    private struct JSONHeader: Encodable {
      let header: RecordHeader

      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try JSONRecord.encode(header.key, "key", &container)
        try JSONRecord.encode(header.value, "value", &container)
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Name.self)
      try container.encode(offset, forKey: Name("offset"))
      try container.encode(record.timestamp, forKey: Name("timestamp"))
      try Self.encode(record.key, "key", &container)
      try Self.encode(record.value, "value", &container)
      try container.encode(record.headers.map(JSONHeader.init), forKey: Name("headers"))
    }

    private static func encode(
      _ bytes: [UInt8]?, _ name: String, _ container: inout KeyedEncodingContainer<Name>
    ) throws {
      guard let bytes else { return try container.encodeNil(forKey: Name(name)) }
      if let text = String(validating: bytes, as: UTF8.self) {
        try container.encode(text, forKey: Name(name))
      } else {
        try container.encode(Data(bytes).base64EncodedString(), forKey: Name(name + "_base64"))
      }
    }
  }
}
