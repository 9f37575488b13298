import Glibc

/// What this process has open now. All tests share a process, and open and close files, sockets and
/// pipes at will: only in a process of its own, `#expect(processExitsWith: .success)`, may a test
/// take a count of them for what it left itself.
package struct OpenDescriptors: Hashable, Sendable {
  /// By descriptor, what it is open on: a path, or the kernel's text, such as `socket:[4026]`.
  package let targets: [Int32: String]

  package init() {
    var targets: [Int32: String] = [:]
    if let directory = opendir("/proc/self/fd") {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        // The folder itself is read by a descriptor too.
        guard let number = Int32(name), number != dirfd(directory) else { continue }
        targets[number] = Self.target(number)
      }
      closedir(directory)
    }
    self.targets = targets
  }

  /// What is open now and was not before, as a failing test should print it.
  package func opened(since before: OpenDescriptors) -> [String] {
    targets.filter { before.targets[$0.key] != $0.value }.map { "\($0.key) \($0.value)" }.sorted()
  }

  private static func target(_ number: Int32) -> String {
    var text = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/fd/\(number)", &text, text.count)
    return String(
      decoding: text.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
