import Glibc
import LinuxIO

/// What this process has open now. All tests share a process, and open and close files, sockets and
/// pipes at will: only in a process of its own, `#expect(processExitsWith: .success)`, may a test
/// take a count of them for what it left itself.
package struct OpenDescriptors: Hashable, Sendable {
  /// By descriptor, what it is open on: a path, or the kernel's text, such as `socket:[4026]`.
  package let targets: [Int32: String]

  /// Throws where the kernel does not say: then nothing could be found to be left open.
  package init() throws(SystemCallError) {
    var targets: [Int32: String] = [:]
    for entry in try LinuxFileIO().list("/proc/self/fd") {
      // What the list itself was read by is closed by now.
      guard let number = Int32(entry.name), let target = Self.target(number) else { continue }
      targets[number] = target
    }
    self.targets = targets
  }

  /// What is open now and was not before, as a failing test should print it.
  package func opened(since before: OpenDescriptors) -> [String] {
    targets.filter { before.targets[$0.key] != $0.value }.map { "\($0.key) \($0.value)" }.sorted()
  }

  private static func target(_ number: Int32) -> String? {
    var text = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/fd/\(number)", &text, text.count)
    if count < 0 { return nil }
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
