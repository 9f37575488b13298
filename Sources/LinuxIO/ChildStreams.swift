import CLinux
import Glibc

/// The descriptors between a program and the one that it runs.
struct ChildStreams: ~Copyable {
  /// Of this process: the input's writing end; -1 where there is none, or it is closed.
  private var input: Int32 = -1
  /// The reading ends of captured streams.
  private var captured: [Int32] = []
  /// What the program's descriptors 0 to 2 are copies of.
  private(set) var childEnds: [(file: Int32, number: Int32)] = []
  /// Those of them that were opened here.
  private var opened: [Int32] = []

  init(
    hasInput: Bool, output: ChildProcess.Output, errors: ChildProcess.Output
  ) throws(SystemCallError) {
    do throws(SystemCallError) {
      if hasInput {
        let (reading, writing) = try Self.pipe()
        input = writing
        give(reading, to: 0)
      } else {
        give(try Self.openNull(), to: 0)
      }
      try add(output, as: 1)
      try add(errors, as: 2)
    } catch {
      closeAll()
      throw error
    }
  }

  private mutating func give(_ file: Int32, to number: Int32) {
    opened.append(file)
    childEnds.append((file, number))
  }

  private mutating func add(
    _ output: ChildProcess.Output, as number: Int32
  ) throws(SystemCallError) {
    switch output {
    case .discarded: give(try Self.openNull(), to: number)
    case .standardError: childEnds.append((STDERR_FILENO, number))
    case .captured:
      let (reading, writing) = try Self.pipe()
      captured.append(reading)
      give(writing, to: number)
    }
  }

  /// Writes all of the input, and closes it. A program that ends early leaves a broken pipe; how it
  /// ended says why.
  mutating func write(_ bytes: [UInt8]) {
    if input < 0 { return }
    // Whether or not the process ignores SIGPIPE.
    var (broken, before) = (sigset_t(), sigset_t())
    sigemptyset(&broken)
    sigaddset(&broken, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &broken, &before)
    if StandardStream.writeAll(bytes, to: input) == ErrorNumber(rawValue: EPIPE) {
      var pending = SIGPIPE
      sigwait(&broken, &pending)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    close(input)
    input = -1
  }

  /// The reading ends, whose reader closes them.
  mutating func takeCaptured() -> [Int32] {
    defer { captured = [] }
    return captured
  }

  mutating func closeChildEnds() {
    for file in opened { close(file) }
    opened = []
  }

  mutating func closeAll() {
    closeChildEnds()
    for file in captured { close(file) }
    captured = []
    if input >= 0 { close(input) }
    input = -1
  }

  private static func pipe() throws(SystemCallError) -> (reading: Int32, writing: Int32) {
    var files: [Int32] = [-1, -1]
    if clinux_plain_pipe(&files) != 0 { throw SystemCallError(.pipe, .current, path: "") }
    return (files[0], files[1])
  }

  private static func openNull() throws(SystemCallError) -> Int32 {
    let file = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard file >= 0 else { throw SystemCallError(.open, .current, path: "/dev/null") }
    return file
  }
}
