import Glibc
import LinuxIO

/// Room on a file system (`statvfs(3)`).
enum FreeSpace {
  /// Left free whatever a trial takes.
  static let reserveBytes: Int64 = 64 << 20

  /// Bytes that this user can still write at `path`; nil where it cannot be asked.
  static func bytes(at path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow ? .max : Int64(clamping: bytes)
  }

  /// Throws the reason where `parameters`' trial would not fit.
  static func check(_ parameters: TrialParameters, at path: String) throws(TrialSkipped) {
    guard let free = bytes(at: path) else { return }
    let needed = parameters.writtenBytes ?? .max
    let (total, overflow) = needed.addingReportingOverflow(needed / 20 + reserveBytes)
    if overflow || total > free {
      throw TrialSkipped(
        "not enough disk space at \(path): the trial writes \(mebibytes(needed)) MiB and "
          + "\(mebibytes(free)) MiB are free")
    }
  }

  private static func mebibytes(_ bytes: Int64) -> Int64 { bytes >> 20 }
}
