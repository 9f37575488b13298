import LinuxIO

/// `trials.csv` as it grows: valid after each row.
struct TrialTable: ~Copyable {
  private let path: String
  private var file: LinuxIO.FileHandle<LinuxFileIO>
  private var size: Int64

  /// Creates the file with its header; it must not exist.
  init(path: String) throws(SystemCallError) {
    let file = try FileHandle(
      LinuxFileIO(), path, FileOpening(.readWrite, creation: .mustBeNew))
    let header = Array(CSV.record(TrialColumn.allCases.map(\.rawValue)).utf8)
    try file.write(header.span.bytes, at: 0)
    try file.synchronizeData()
    self.path = path
    self.file = file
    size = Int64(header.count)
  }

  /// Appends one row; durable on return. After a throw the file holds the rows before it.
  mutating func append(_ result: TrialResult) throws(SystemCallError) {
    try append(CSV.record(TrialColumn.allCases.map { result.text(of: $0) }))
  }

  /// Replaces all rows, atomically: after a throw the old ones stand.
  mutating func replace(with results: [TrialResult]) throws(SystemCallError) {
    var text = CSV.record(TrialColumn.allCases.map(\.rawValue))
    for result in results {
      text += CSV.record(TrialColumn.allCases.map { result.text(of: $0) })
    }
    let bytes = Array(text.utf8)
    try LinuxFileIO().replaceFile(at: path, with: bytes.span.bytes)
    file = try FileHandle(LinuxFileIO(), path, FileOpening(.readWrite))
    size = Int64(bytes.count)
  }

  private mutating func append(_ line: String) throws(SystemCallError) {
    let bytes = Array(line.utf8)
    do {
      try file.write(bytes.span.bytes, at: size)
    } catch {
      try? file.truncate(to: size)
      throw error
    }
    size += Int64(bytes.count)
    try file.synchronizeData()
  }
}
