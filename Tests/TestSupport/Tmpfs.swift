import Glibc

/// A small tmpfs, mounted for one test: a disk that is really full. Needs root.
package final class Tmpfs {
  private let directory = TemporaryDirectory()
  package var path: String { directory.path }

  package static var isAvailable: Bool { geteuid() == 0 && Tmpfs(mebibytes: 1) != nil }

  package init?(mebibytes: Int) {
    guard mount("tmpfs", directory.path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else { return nil }
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }
}
