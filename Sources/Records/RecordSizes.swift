/// The sizes of a record's parts, in bytes, from which its size in a batch follows exactly.
package struct RecordSizes: Hashable, Sendable {
  /// Nil for a null key.
  package var key: Int?
  /// Nil for a null value.
  package var value: Int?
  package var headerCount: Int
  /// All headers' bytes as they are encoded.
  package var encodedHeaders: Int

  package init(key: Int?, value: Int?, headerCount: Int = 0, encodedHeaders: Int = 0) {
    self.key = key
    self.value = value
    self.headerCount = headerCount
    self.encodedHeaders = encodedHeaders
  }

  package init(of record: Record) {
    self.init(
      key: record.key?.count, value: record.value?.count, headerCount: record.headers.count,
      encodedHeaders: Self.encodedByteCount(of: record.headers))
  }

  /// The size of `headers` as a record carries them, their count not included.
  package static func encodedByteCount(of headers: [RecordHeader]) -> Int {
    var byteCount = 0
    for header in headers {
      byteCount += part(header.key.count) + part(header.value?.count)
    }
    return byteCount
  }

  /// What a record's length field says.
  package func bodyByteCount(timestampDelta: Int64, offsetDelta: Int) -> Int {
    1 + VariableLengthInteger.byteCount(of: timestampDelta)
      + VariableLengthInteger.byteCount(of: Int64(offsetDelta))
      + Self.part(key) + Self.part(value)
      + VariableLengthInteger.byteCount(of: Int64(headerCount)) + encodedHeaders
  }

  /// The record's size in a batch, its length field included.
  package func recordByteCount(timestampDelta: Int64, offsetDelta: Int) -> Int {
    let body = bodyByteCount(timestampDelta: timestampDelta, offsetDelta: offsetDelta)
    return VariableLengthInteger.byteCount(of: Int64(body)) + body
  }

  /// The greatest size that the record can have in any batch, wherever it stands in it and
  /// whatever its time.
  package var recordByteCountMax: Int {
    recordByteCount(timestampDelta: Int64.min, offsetDelta: Int(Int32.max))
  }

  private static func part(_ byteCount: Int?) -> Int {
    guard let byteCount else { return 1 }
    return VariableLengthInteger.byteCount(of: Int64(byteCount)) + byteCount
  }
}
