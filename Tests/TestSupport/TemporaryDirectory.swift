import Glibc
import Synchronization

/// A fresh directory on the disk (never tmpfs, where O_DIRECT means nothing), below the package's
/// build folder or `VARVE_TEST_DIR`; removed with its value.
package final class TemporaryDirectory: Sendable {
  private static let counter = Atomic<Int>(0)
  package let path: String

  package init() {
    let base = getenv("VARVE_TEST_DIR").map { String(cString: $0) } ?? Self.defaultBase
    let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    path = "\(base)/\(getpid())-\(number)"
    mkdir(Self.packageRoot + "/.build", 0o755)
    mkdir(base, 0o755)
    precondition(mkdir(path, 0o755) == 0, "cannot make \(path)")
  }

  deinit { Self.remove(path) }

  /// The folder with Package.swift.
  package static let packageRoot: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/")
  }()

  private static let defaultBase = packageRoot + "/.build/test-data"

  package static func remove(_ path: String) {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { remove("\(path)/\(name)") }
      }
      closedir(directory)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
