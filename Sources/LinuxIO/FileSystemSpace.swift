import Glibc

/// How large a file system is, and what a program without privileges may still take of it
/// (`statvfs(3)`). May wait for the file system.
package struct FileSystemSpace: Hashable, Sendable {
  package let totalBytes: Int64
  package let usableBytes: Int64

  /// Of the one that holds `path`; nil where it does not say. A size of 0 blocks says nothing: ramfs
  /// and some network file systems answer so.
  package init?(of path: String) {
    var found = statvfs()
    guard statvfs(path, &found) == 0, found.f_blocks > 0 else { return nil }
    totalBytes = Int64(clamping: UInt64(found.f_blocks) &* UInt64(found.f_frsize))
    usableBytes = Int64(clamping: UInt64(found.f_bavail) &* UInt64(found.f_frsize))
  }
}
