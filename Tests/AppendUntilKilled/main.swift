import CommitLog
import Glibc
import LogStorage
import TestSupport

// Appends, and says on its standard output what was acknowledged, until it is killed:
//   AppendUntilKilled DIRECTORY BACKEND DURABILITY SEED [APPENDS]
// Lines: `A <partition> <next offset>` after each acknowledgement, `N <text>` for each notice of
// opening. It ends by itself after APPENDS appends or a minute, so that it cannot run away.

/// One line by one write(2): whoever reads the pipe sees whole lines, and no buffer of this process
/// holds one back.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  guard write(STDOUT_FILENO, bytes, bytes.count) == bytes.count else { exit(3) }
}

func fail(_ message: String, _ code: Int32) -> Never {
  let bytes = Array("AppendUntilKilled: \(message)\n".utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
  exit(code)
}

let arguments = CommandLine.arguments
guard (5...6).contains(arguments.count),
  let kind = BackendUnderTest(rawValue: arguments[2]),
  let durability = Durability(rawValue: arguments[3]),
  let seed = UInt64(arguments[4]),
  let appendsMax = arguments.count == 6 ? Int(arguments[5]) : 2_000_000
else {
  fail("usage: AppendUntilKilled DIRECTORY BACKEND DURABILITY SEED [APPENDS]", 2)
}
do throws(LogError) {
  let fixture = try KillWorkload.open(kind, durability, path: arguments[1], seed: seed)
  for notice in fixture.directory.notices.take() { say("N \(notice)") }
  var appender = KillAppender(fixture, durability, seed: seed)
  try appender.run(appendsMax: appendsMax) { partition, next in say("A \(partition) \(next)") }
} catch { fail("\(error)", 1) }
