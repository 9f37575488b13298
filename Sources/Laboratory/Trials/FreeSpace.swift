import LinuxIO
import Suites
import Targets

/// Whether a trial fits on its file system.
enum FreeSpace {
  /// Left free whatever a trial takes.
  static let reserveBytes: Int64 = 64 << 20

  /// Throws the reason where `parameters`' trial would not fit. A file system that does not say how
  /// large it is takes all.
  static func check(_ parameters: TrialParameters, at path: String) throws(TrialSkipped) {
    guard let free = FileSystemSpace(of: path)?.usableBytes else { return }
    let written = parameters.writtenBytes ?? .max
    // Indexes and the file system's own blocks.
    let reserve = written / 20 + reserveBytes
    let (needed, overflow) = written.addingReportingOverflow(reserve)
    if overflow || needed > free {
      throw TrialSkipped(
        "not enough disk space at \(path): the trial writes \(mebibytes(written)) MiB, "
          + "\(mebibytes(reserve)) MiB more are to stay free, and \(mebibytes(free)) MiB are free")
    }
  }

  private static func mebibytes(_ bytes: Int64) -> Int64 { bytes >> 20 }
}
