import LinuxIO

/// Reads the files of a run's folder. Every mistake names the file, and the row.
enum RunRecords {
  /// The records of a CSV file, header included, each with the line that it begins on and as many fields
  /// as the header.
  ///
  /// `toResume`: the run may have been killed while it wrote. A file that is missing has no records, and
  /// a last record that is torn is left out.
  static func read(
    _ path: String, toResume: Bool
  ) throws(StoredRunError) -> [(line: Int, fields: [String])] {
    if toResume && InputFile.isFolder(path) == nil { return [] }
    return try records(
      String(decoding: try bytes(path), as: UTF8.self), path: path, toResume: toResume)
  }

  /// The records of a file's text; `path` is for what is said of mistakes.
  static func records(
    _ text: String, path: String, toResume: Bool
  ) throws(StoredRunError) -> [(line: Int, fields: [String])] {
    let records: [(line: Int, fields: [String])]
    do {
      records = toResume ? try CSV.recordsBeforeTear(text) : try CSV.records(text)
    } catch { throw StoredRunError("\(path):\(error.line)", error.problem) }
    let count = records.first?.fields.count ?? 0
    for record in records where record.fields.count != count {
      throw StoredRunError(
        "\(path):\(record.line)",
        "\(record.fields.count) fields, expected \(count) as in the header")
    }
    return records
  }

  /// The file's bytes, without the byte order mark that a spreadsheet writes.
  static func bytes(_ path: String) throws(StoredRunError) -> ArraySlice<UInt8> {
    do {
      return InputFile.withoutByteOrderMark(try InputFile.bytes(of: path, bytesMax: 1 << 30))
    } catch {
      if error.number == .noSuchFile {
        throw StoredRunError(path, "is missing: expected the folder of a run of `varve bench`")
      }
      throw StoredRunError(path, "cannot be read: \(error.number)")
    }
  }
}
