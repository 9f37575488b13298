/// Reads events from a JSONL file, plain or gzip, one after the other, in bounded memory and
/// without an allocation for each.
///
/// An event is one line, one JSON object (RFC 8259, checked to the last byte, nested up to 512
/// levels), with these members in any order:
///
/// | member | what | absent |
/// |---|---|---|
/// | `timestamp` | whole milliseconds since 1970, from 0 on | an error |
/// | `value` | any JSON, kept byte for byte as written; null is a tombstone | an error |
/// | `key` | string or null; kept as UTF-8 | null |
/// | `headers` | object of strings or nulls, kept in order, or null | none |
///
/// Other members are checked and ignored. One of the four, the key field, or a header's name given
/// twice is an error. Inside `value` a name may come twice and a surrogate may stand alone, as
/// RFC 8259 leaves it; in a key or header a lone surrogate is an error.
///
/// With `keyField` the key is taken from that member: of the event where it has one, else of the
/// object `value`. A string gives its text, a number, true or false its digits or letters as
/// written, null a null key; an array or object is an error, and so is the absence of the member,
/// lest a misspelt name make every key null.
///
/// Lines end in LF or CRLF, the last one need not; blank lines are accepted at the end of the file
/// only. A UTF-8 byte order mark at the beginning is skipped (columns count its three bytes).
///
/// ```
/// var reader = try EventReader(path: path)
/// while try reader.next() { use(reader.key, reader.value, reader.timestamp) }
/// ```
/// For one thread. The spans are valid until the next `next`.
package struct EventReader: ~Copyable {
  private var source: LineSource
  private let keyField: String?
  private var fields = EventFields()
  private var line = 0..<0
  private var failure: EventError?

  /// Opens the file. `lineBytesMax` bounds a line, its end not counted, and so the memory.
  /// `bufferBytes` is what is read at once; tests make it small.
  package init(
    path: String, keyField: String? = nil, lineBytesMax: Int = 64 << 20,
    bufferBytes: Int = 256 << 10
  ) throws(EventError) {
    precondition(lineBytesMax > 0 && bufferBytes > 0)
    source = try LineSource(path: path, lineBytesMax: lineBytesMax, bufferBytes: bufferBytes)
    self.keyField = keyField
  }

  /// Moves to the next event; false after the last. After a throw the reader is spent: it throws
  /// the same error again.
  package mutating func next() throws(EventError) -> Bool {
    if let failure { throw failure }
    do throws(EventError) { return try readNext() } catch {
      failure = error
      throw error
    }
  }

  /// Lines read so far, blank ones included: the current event's line number.
  package var lineCount: Int { source.lineCount }

  /// The event's time in milliseconds since 1970.
  package var timestamp: Int64 { fields.timestamp }

  /// The key's text as UTF-8; nil for a null key.
  package var key: RawSpan? {
    @_lifetime(borrow self)
    get {
      guard let range = fields.key else { return nil }
      return fields.text.span.bytes.extracting(range)
    }
  }

  /// The value exactly as written; nil for null, a tombstone.
  package var value: RawSpan? {
    @_lifetime(borrow self)
    get {
      guard let range = fields.value else { return nil }
      let span = source.bytes(line).extracting(range)
      // SAFETY: the bytes are `source`'s, which is a part of self.
      return _overrideLifetime(span, borrowing: self)
    }
  }

  package var headerCount: Int { fields.headers.count }

  /// The name of header `index` as UTF-8, in the line's order.
  @_lifetime(borrow self)
  package func headerName(_ index: Int) -> RawSpan {
    fields.text.span.bytes.extracting(fields.headers[index].name)
  }

  /// The value of header `index` as UTF-8; nil for null.
  @_lifetime(borrow self)
  package func headerValue(_ index: Int) -> RawSpan? {
    guard let range = fields.headers[index].value else { return nil }
    return fields.text.span.bytes.extracting(range)
  }

  private mutating func readNext() throws(EventError) -> Bool {
    var blankLine: Int?
    while let range = try source.next() {
      let start = source.lineCount == 1 ? Self.markCount(source.bytes(range)) : 0
      if Self.isBlank(source.bytes(range), from: start) {
        blankLine = blankLine ?? source.lineCount
        continue
      }
      if let blankLine {
        throw EventError(
          path: source.path, line: blankLine, column: 1,
          .malformed(expected: "'{' to begin an event", found: "a blank line"))
      }
      line = range
      do throws(LineFault) {
        try fields.parse(source.bytes(range), from: start, keyField: keyField)
      } catch {
        throw EventError(
          path: source.path, line: source.lineCount, column: error.position + 1,
          .malformed(expected: error.expected, found: error.found))
      }
      return true
    }
    return false
  }

  /// Bytes of the byte order mark that the file begins with: 3 or 0.
  private static func markCount(_ line: RawSpan) -> Int {
    guard line.byteCount >= 3 else { return 0 }
    let scanner = LineScanner(line)
    return scanner.at(0) == 0xEF && scanner.at(1) == 0xBB && scanner.at(2) == 0xBF ? 3 : 0
  }

  private static func isBlank(_ line: RawSpan, from start: Int) -> Bool {
    var scanner = LineScanner(line, from: start)
    scanner.skipWhitespace()
    return scanner.byte == nil
  }
}
