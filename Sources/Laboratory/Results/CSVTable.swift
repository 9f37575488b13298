import LinuxIO

/// A CSV file as it grows: valid after each append.
struct CSVTable: ~Copyable {
  private let path: String
  private let header: [String]
  private var file: LinuxIO.FileHandle<LinuxFileIO>
  private var size: Int64

  /// Creates the file with its header; it must not exist.
  init(path: String, header: [String]) throws(SystemCallError) {
    let file = try FileHandle(
      LinuxFileIO(), path, FileOpening(.readWrite, creation: .mustBeNew))
    let line = Array(CSV.record(header).utf8)
    try file.write(line.span.bytes, at: 0)
    try file.synchronizeData()
    self.path = path
    self.header = header
    self.file = file
    size = Int64(line.count)
  }

  /// Goes on with a file whose rows are now `rows`, replaced atomically.
  init(
    continuing path: String, header: [String], rows: [[String?]]
  ) throws(SystemCallError) {
    let bytes = Self.text(header, rows)
    try LinuxFileIO().replaceFile(at: path, with: bytes.span.bytes)
    let file = try FileHandle(LinuxFileIO(), path, FileOpening(.readWrite))
    self.path = path
    self.header = header
    self.file = file
    size = Int64(bytes.count)
  }

  /// Appends rows, all or none; durable on return. After a throw the file holds the rows before them.
  mutating func append(_ rows: [[String?]]) throws(SystemCallError) {
    let bytes = Array(rows.map(CSV.record).joined().utf8)
    do {
      try file.write(bytes.span.bytes, at: size)
    } catch {
      try? file.truncate(to: size)
      throw error
    }
    size += Int64(bytes.count)
    try file.synchronizeData()
  }

  /// Replaces all rows, atomically: after a throw the old ones stand.
  mutating func replace(with rows: [[String?]]) throws(SystemCallError) {
    let bytes = Self.text(header, rows)
    try LinuxFileIO().replaceFile(at: path, with: bytes.span.bytes)
    file = try FileHandle(LinuxFileIO(), path, FileOpening(.readWrite))
    size = Int64(bytes.count)
  }

  private static func text(_ header: [String], _ rows: [[String?]]) -> [UInt8] {
    Array((CSV.record(header) + rows.map(CSV.record).joined()).utf8)
  }
}
