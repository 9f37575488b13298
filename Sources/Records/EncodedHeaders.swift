/// A record's headers in the batch's encoding, for a data path that gives the same headers to many
/// records, or reuses one value's memory for record after record.
package struct EncodedHeaders: Sendable {
  private var encoded: [UInt8] = []
  package private(set) var count = 0

  package init() {}

  package init(_ headers: [RecordHeader]) {
    for header in headers { append(key: header.key.span.bytes, value: header.value?.span.bytes) }
  }

  /// Appends one header; `value` nil is null. Allocates only where the memory has to grow.
  package mutating func append(key: RawSpan, value: RawSpan?) {
    append(key)
    if let value { append(value) } else { VariableLengthInteger.encode(-1, into: &encoded) }
    count += 1
  }

  /// Forgets the headers and keeps the memory.
  package mutating func removeAll() {
    encoded.removeAll(keepingCapacity: true)
    count = 0
  }

  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get { encoded.span.bytes }
  }

  private mutating func append(_ part: RawSpan) {
    VariableLengthInteger.encode(Int64(part.byteCount), into: &encoded)
    part.withUnsafeBytes { encoded.append(contentsOf: $0) }
  }
}
