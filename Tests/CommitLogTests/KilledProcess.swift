import Foundation
import Glibc

/// A child process with its standard output in a pipe, there to be killed.
struct KilledProcess: ~Copyable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let identifier: pid_t
  private let output: Int32
  private var unfinished: [UInt8] = []
  private var isGone = false

  init(_ path: String, _ arguments: [String]) throws(Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure(description: "pipe: errno \(errno)") }
    // Not inherited by children that are started later: they would keep the pipe open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    var environment =
      ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + environment { free(text) } }
    var identifier: pid_t = 0
    let result = posix_spawn(&identifier, path, &actions, nil, &words, &environment)
    guard result == 0 else {
      close(ends[0])
      throw Failure(description: "\(path): posix_spawn: errno \(result)")
    }
    self.identifier = identifier
    output = ends[0]
  }

  deinit {
    close(output)
    if isGone { return }
    Glibc.kill(identifier, SIGKILL)
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
  }

  /// The lines that the pipe holds, waiting for one; nil when it has ended.
  mutating func lines() throws(Failure) -> [String]? {
    var bytes = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(output, &bytes, bytes.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw Failure(description: "read from the child: errno \(errno)") }
      if count == 0 {
        if unfinished.isEmpty { return nil }
        throw Failure(description: "the child's output ends within a line")
      }
      unfinished += bytes[..<count]
      guard let last = unfinished.lastIndex(of: UInt8(ascii: "\n")) else { continue }
      let text = String(decoding: unfinished[...last], as: UTF8.self)
      unfinished.removeFirst(last + 1)
      return text.split(separator: "\n").map(String.init)
    }
  }

  func kill() { Glibc.kill(identifier, SIGKILL) }

  /// Waits until it is gone. Throws where anything but SIGKILL ended it.
  mutating func wait() throws(Failure) {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    isGone = true
    guard status & 0x7f == SIGKILL else {
      throw Failure(description: "the child ended by itself, wait status \(status)")
    }
  }

  /// The executable of this name that was built along with the tests: it lies beside their bundle.
  static func executable(_ name: String) throws(Failure) -> String {
    var places: [String] = []
    if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      places.append(path)
    }
    places += CommandLine.arguments.filter { $0.contains(".xctest") }
    let paths = places.map { path in
      URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(name).path
    }
    if let path = paths.first(where: { access($0, X_OK) == 0 }) { return path }
    throw Failure(
      description: "\(name) is not beside the tests (looked for \(paths)); build it with "
        + "'swift build --build-tests', in the same configuration")
  }
}
