/// One record of a batch, where it lies. The whole record has been checked: nothing here throws.
package struct RecordView: ~Escapable {
  private let batch: RawSpan
  private let layout: RecordLayout
  package let offset: Offset
  /// In milliseconds since 1970: the record's own time, or the batch's where the log stamped it.
  package let timestamp: Int64

  @_lifetime(copy batch)
  init(batch: RawSpan, layout: RecordLayout, offset: Offset, timestamp: Int64) {
    self.batch = batch
    self.layout = layout
    self.offset = offset
    self.timestamp = timestamp
  }

  /// The record's attribute byte, which the format does not use yet.
  package var attributes: Int8 { layout.attributes }

  /// The record's bytes in the batch, its length field included.
  package var byteCount: Int { Int(layout.end - layout.start) }

  /// The key; nil for null, which is not the same as empty.
  package var key: RawSpan? {
    @_lifetime(copy self)
    get { part(layout.keyStart, layout.keyByteCount) }
  }

  /// The value; nil for null (a tombstone), which is not the same as empty.
  package var value: RawSpan? {
    @_lifetime(copy self)
    get { part(layout.valueStart, layout.valueByteCount) }
  }

  package var headerCount: Int { Int(layout.headerCount) }

  /// The headers as they are encoded, ready for a builder that takes encoded headers.
  package var encodedHeaders: RawSpan {
    @_lifetime(copy self)
    get { batch.extracting(Int(layout.headersStart)..<Int(layout.end)) }
  }

  /// A cursor before the first header.
  package var headers: RecordHeaderCursor {
    @_lifetime(copy self)
    get {
      RecordHeaderCursor(encoded: encodedHeaders, count: headerCount)
    }
  }

  @_lifetime(copy self)
  private func part(_ start: Int32, _ byteCount: Int32) -> RawSpan? {
    guard byteCount >= 0 else { return nil }
    return batch.extracting(Int(start)..<(Int(start) + Int(byteCount)))
  }
}

/// Walks a record's headers, in place.
package struct RecordHeaderCursor: ~Escapable {
  private let encoded: RawSpan
  private var position = 0
  private var remaining: Int

  /// `encoded` has been checked to hold `count` headers.
  @_lifetime(copy encoded)
  init(encoded: RawSpan, count: Int) {
    self.encoded = encoded
    remaining = count
  }

  /// The next header, or nil after the last.
  @_lifetime(copy self)
  package mutating func next() -> RecordHeaderView? {
    guard remaining > 0, let key = part(), key >= 0 else { return nil }
    let keyStart = position - key
    guard let value = part() else { return nil }
    remaining -= 1
    return RecordHeaderView(
      encoded: encoded, keyStart: keyStart, keyByteCount: key,
      valueStart: position - max(value, 0), valueByteCount: value)
  }

  /// Steps over one length and its bytes; the length, or nil where there is none to read.
  private mutating func part() -> Int? {
    guard
      let length = try? VariableLengthInteger.decodeVarint(
        encoded, at: &position, end: encoded.byteCount),
      Int(length) <= encoded.byteCount - position
    else { return nil }
    position += max(Int(length), 0)
    return Int(length)
  }
}

/// One header of a record, where it lies.
package struct RecordHeaderView: ~Escapable {
  private let encoded: RawSpan
  private let keyStart: Int
  private let keyByteCount: Int
  private let valueStart: Int
  private let valueByteCount: Int

  @_lifetime(copy encoded)
  init(
    encoded: RawSpan, keyStart: Int, keyByteCount: Int, valueStart: Int, valueByteCount: Int
  ) {
    self.encoded = encoded
    self.keyStart = keyStart
    self.keyByteCount = keyByteCount
    self.valueStart = valueStart
    self.valueByteCount = valueByteCount
  }

  /// The key: UTF-8 by the format, and not checked to be so.
  package var key: RawSpan {
    @_lifetime(copy self)
    get { encoded.extracting(keyStart..<(keyStart + keyByteCount)) }
  }

  /// The value; nil for null.
  package var value: RawSpan? {
    @_lifetime(copy self)
    get {
      guard valueByteCount >= 0 else { return nil }
      return encoded.extracting(valueStart..<(valueStart + valueByteCount))
    }
  }
}
