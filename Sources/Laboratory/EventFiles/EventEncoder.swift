import Records

/// Turns the event that a reader stands at into a record of a batch. Keeps the memory for headers,
/// so that a record costs no allocation.
package struct EventEncoder {
  private var headers = EncodedHeaders()

  package init() {}

  /// What the batch would come to with this event.
  package mutating func byteCount(
    in builder: borrowing RecordBatchBuilder, _ event: borrowing EventReader
  ) -> Int {
    encodeHeaders(event)
    let sizes = RecordSizes(
      key: event.keyByteCount, value: event.valueByteCount, headerCount: headers.count,
      encodedHeaders: headers.bytes.byteCount)
    return builder.byteCount(appending: sizes, timestamp: event.timestamp)
  }

  /// Appends the event.
  package mutating func append(
    _ event: borrowing EventReader, to builder: inout RecordBatchBuilder
  ) throws(BatchError) {
    encodeHeaders(event)
    try builder.append(
      timestamp: event.timestamp, key: event.key, value: event.value,
      encodedHeaders: headers.bytes, headerCount: headers.count)
  }

  private mutating func encodeHeaders(_ event: borrowing EventReader) {
    headers.removeAll()
    for index in 0..<event.headerCount {
      headers.append(key: event.headerName(index), value: event.headerValue(index))
    }
  }
}

extension EventReader {
  fileprivate var keyByteCount: Int? {
    if let key { return key.byteCount }
    return nil
  }

  fileprivate var valueByteCount: Int? {
    if let value { return value.byteCount }
    return nil
  }
}
