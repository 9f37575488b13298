import CLinux
import Glibc

/// Another program that this one runs (`posix_spawnp(3)`). For one thread, the one that made it.
package final class ChildProcess {
  /// Where what the program prints goes.
  package enum Output { case discarded, captured, standardError }

  /// How the program ended.
  package enum End: Hashable, Sendable {
    case status(Int32)
    case signal(Int32)

    package var isSuccess: Bool { self == .status(0) }
  }

  package let number: pid_t
  /// Readable when the process has ended; -1 where the kernel gives none.
  private let ended: Int32
  private var end: End?
  private var drains: [WorkerThread<[UInt8]>] = []

  /// Starts `words[0]`, which is looked for in PATH where it has no slash. It gets `input` on standard
  /// input, and then the end of it; without input it reads nothing.
  ///
  /// `hasOwnGroup`: the program, and what it starts, is a process group that the terminal's Ctrl-C does
  /// not reach. Throws ENOENT where there is no such program, and what else keeps it from starting.
  package init(
    _ words: [String], input: [UInt8] = [], output: Output = .discarded,
    errors: Output = .discarded, hasOwnGroup: Bool = false
  ) throws(SystemCallError) {
    var streams = try ChildStreams(hasInput: !input.isEmpty, output: output, errors: errors)
    defer { streams.closeAll() }
    number = try Self.spawn(words, streams, hasOwnGroup)
    ended = clinux_process_descriptor(number)
    streams.closeChildEnds()
    do throws(SystemCallError) {
      for file in streams.takeCaptured() {
        drains.append(try Self.drain(file))
      }
    } catch {
      kill(number, SIGKILL)
      _ = wait()
      throw error
    }
    streams.write(input)
  }

  deinit { if ended >= 0 { close(ended) } }

  /// What the program printed to the first captured stream; empties it. Waits for its end.
  package func captured() -> [UInt8] {
    drains.isEmpty ? [] : drains.removeFirst().join() ?? []
  }

  /// True where the signal could be sent; `toGroup`: to all of its group.
  @discardableResult
  package func send(_ signal: Int32, toGroup: Bool = false) -> Bool {
    end == nil && kill(toGroup ? -number : number, signal) == 0
  }

  /// Waits for the program's end, at most so long; nil where it still runs.
  package func wait(milliseconds: Int32 = -1) -> End? {
    if let end { return end }
    if milliseconds != 0 && ended >= 0 {
      var waiting = pollfd(fd: ended, events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, milliseconds)
    } else if milliseconds > 0 {
      usleep(UInt32(milliseconds) * 1000)
    }
    var status: Int32 = 0
    // With the descriptor readable, or without one and without a limit, this waits for nothing else.
    let isBlocking = milliseconds < 0
    var found = waitpid(number, &status, isBlocking ? 0 : WNOHANG)
    while found < 0 && errno == EINTR { found = waitpid(number, &status, isBlocking ? 0 : WNOHANG) }
    if found == 0 { return nil }
    let signal = status & 0x7F
    end = found < 0 ? .status(-1) : signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    return end
  }

  private static func spawn(
    _ words: [String], _ streams: borrowing ChildStreams, _ hasOwnGroup: Bool
  ) throws(SystemCallError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (file, number) in streams.childEnds {
      posix_spawn_file_actions_adddup2(&actions, file, number)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What this program ignores, another expects to be ended by.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    sigaddset(&defaults, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    // What a thread of this program blocks, the other is to hear.
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags =
      POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0)
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let error = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
    if error != 0 {
      throw SystemCallError(.posixSpawn, ErrorNumber(rawValue: error), path: words[0])
    }
    return process
  }

  /// Reads as the program writes: a full pipe would stop it.
  private static func drain(_ file: Int32) throws(SystemCallError) -> WorkerThread<[UInt8]> {
    try WorkerThread { readAll(file) }
  }

  /// To the end of a pipe, which is closed.
  private static func readAll(_ file: Int32) -> [UInt8] {
    defer { close(file) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(file, &chunk, chunk.count)
      if count > 0 {
        all += chunk[..<count]
      } else if count == 0 || errno != EINTR {
        return all
      }
    }
  }
}
