/// The lines of a small text file that people edit.
package enum TextLines {
  /// All lines, empty ones included, without their ends, which are LF or CR LF, and without a byte
  /// order mark. What is not UTF-8 is repaired.
  package static func of(_ bytes: [UInt8]) -> [String] {
    InputFile.withoutByteOrderMark(bytes)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { line in
        let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        return String(decoding: text, as: UTF8.self)
      }
  }
}
