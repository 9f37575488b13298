/// One header of a record: a name and a value that may be null. Owns its bytes.
package struct RecordHeader: Hashable, Sendable {
  /// UTF-8.
  package var key: [UInt8]
  package var value: [UInt8]?

  package init(key: [UInt8], value: [UInt8]?) {
    self.key = key
    self.value = value
  }

  package init(key: String, value: String?) {
    self.init(key: Array(key.utf8), value: value.map { Array($0.utf8) })
  }
}

/// A record that owns its bytes and has no place in a log yet. Not for a data path: that reads
/// through `RecordView` and writes through spans.
package struct Record: Hashable, Sendable {
  /// In milliseconds since 1970.
  package var timestamp: Int64
  package var key: [UInt8]?
  package var value: [UInt8]?
  package var headers: [RecordHeader]

  package init(
    timestamp: Int64, key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = []
  ) {
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
  }

  package init(copying view: borrowing RecordView) {
    timestamp = view.timestamp
    key = view.key?.copied()
    value = view.value?.copied()
    headers = []
    headers.reserveCapacity(view.headerCount)
    var cursor = view.headers
    while let header = cursor.next() {
      headers.append(RecordHeader(key: header.key.copied(), value: header.value?.copied()))
    }
  }
}
