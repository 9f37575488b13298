import LinuxIO
import LogStorage
import Measurements
import Suites

/// Stores to a mapping of each file, in windows of at most 64 MiB, and `fdatasync(2)` as with
/// `BareCalls`. Each page is brought in by the fault of its first store.
final class BareMapping: BareWriter {
  private static let windowBytesMax: Int64 = 64 << 20
  private static let pageBytes: Int64 = 4096

  let files: BareFiles
  private let rounds: BareRounds
  private var windows: [ObjectIdentifier: MappedRegion] = [:]

  init(_ files: BareFiles, _ parameters: TrialParameters) {
    self.files = files
    rounds = BareRounds(parameters)
  }

  func write(
    batches: Int64, _ durability: Durability, _ recorder: TrialRecorder
  ) throws -> Int64 {
    try rounds.run(batches: batches, durability, files, recorder) { file in
      let bytes = files.takeBatch()
      let position = try file.advance(by: bytes.count)
      try window(of: file, position..<file.position).store(
        RawSpan(_unsafeBytes: bytes), at: position)
    }
  }

  private func window(
    of file: BareFile, _ range: Range<Int64>
  ) throws(SystemCallError) -> MappedRegion {
    if let window = windows[ObjectIdentifier(file)], range.upperBound <= window.end {
      return window
    }
    windows[ObjectIdentifier(file)] = nil
    let start = range.lowerBound / Self.pageBytes * Self.pageBytes
    let end = max(range.upperBound, min(file.takenEnd, start + Self.windowBytesMax))
    do {
      let window = try files.io.map(file.handle.number, at: start, count: Int(end - start))
      windows[ObjectIdentifier(file)] = window
      return window
    } catch { throw error.naming(file.handle.path) }
  }
}
