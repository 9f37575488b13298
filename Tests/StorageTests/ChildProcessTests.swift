import Glibc
import LinuxIO
import TestSupport
import Testing

struct ChildProcessTests {
  @Test func `a program gets its input and gives both of its outputs`() throws {
    let input = [UInt8]("some words".utf8)
    let process = try ChildProcess(
      ["sh", "-c", "cat; echo complaint >&2; exit 3"], input: input, output: .captured,
      errors: .captured)
    #expect(process.wait() == .status(3))
    #expect(process.captured() == input)
    #expect(process.captured() == [UInt8]("complaint\n".utf8))
  }

  @Test func `more than a pipe holds goes in and comes out`() throws {
    let input = [UInt8](repeating: 7, count: 3 << 20)
    let process = try ChildProcess(["cat"], input: input, output: .captured)
    #expect(process.wait()?.isSuccess == true)
    #expect(process.captured() == input)
  }

  @Test func `a program that reads nothing of its input does no harm`() throws {
    let process = try ChildProcess(["true"], input: [UInt8](repeating: 0, count: 1 << 20))
    #expect(process.wait()?.isSuccess == true)
  }

  @Test func `a program that does not exist is named`() {
    let error = #expect(throws: SystemCallError.self) { try ChildProcess(["no-such-program"]) }
    #expect(error?.number == .noSuchFile && error?.path == "no-such-program")
  }

  @Test func `a running program is waited for with a limit, and ended by a signal`() throws {
    let process = try ChildProcess(["sleep", "60"], hasOwnGroup: true)
    #expect(process.wait(milliseconds: 20) == nil)
    #expect(process.wait(milliseconds: 0) == nil)
    #expect(process.send(SIGTERM, toGroup: true))
    #expect(process.wait() == .signal(SIGTERM))
    #expect(process.wait() == .signal(SIGTERM))
    #expect(!process.send(SIGTERM))
  }

  @Test func `a file that this process has open does not reach the program`() throws {
    let file = try FileHandle(LinuxFileIO(), "/proc/version", FileOpening(.read))
    let process = try ChildProcess(["ls", "-l", "/proc/self/fd"], output: .captured)
    #expect(process.wait()?.isSuccess == true)
    let text = String(decoding: process.captured(), as: UTF8.self)
    #expect(text.contains("/dev/null") && !text.contains("/proc/version"), "\(text)")
    try file.close()
  }
}

struct InputFileTests {
  @Test func `a file is read from a pipe, without its byte order mark`() throws {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    let writer = try ChildProcess(["sh", "-c", "printf '\\357\\273\\277a: 1\\r\\n' > '\(path)'"])
    #expect(try InputFile.text(of: path, bytesMax: 100) == "a: 1\r\n")
    #expect(writer.wait()?.isSuccess == true)
  }

  @Test func `a folder, a missing file and a file that is too large are told apart`() throws {
    let directory = TemporaryDirectory()
    func number(_ path: String) -> ErrorNumber? {
      do throws(SystemCallError) {
        _ = try InputFile.bytes(of: path, bytesMax: 10)
        return nil
      } catch { return error.number }
    }
    #expect(number(directory.path) == ErrorNumber(rawValue: EISDIR))
    #expect(number("\(directory.path)/none") == .noSuchFile)
    #expect(number("/dev/zero") == .fileTooLarge)
    #expect(InputFile.isFolder("\(directory.path)/none") == nil)
    #expect(InputFile.isFolder(directory.path) == true)
    #expect(InputFile.isRegular("/dev/null") == false)
  }

  @Test func `lines end in LF or CR LF, and empty ones stay`() {
    #expect(TextLines.of([UInt8]("\u{FEFF}a\r\nb\n\nc".utf8)) == ["a", "b", "", "c"])
  }

  @Test func `a result goes into a device and replaces no device`() throws {
    try OutputFile.write("text", to: "/dev/null")
    #expect(!InputFile.isRegular("/dev/null"))
    let error = #expect(throws: SystemCallError.self) {
      try OutputFile.write("text", to: "/dev/full")
    }
    #expect(error?.number == .noSpace)
  }

  @Test func `a result replaces the file that a link points to, and not the link`() throws {
    let directory = TemporaryDirectory()
    try OutputFile.write("old", to: "\(directory.path)/file")
    #expect(symlink("file", "\(directory.path)/link") == 0)
    try OutputFile.write("new", to: "\(directory.path)/link")
    #expect(try InputFile.text(of: "\(directory.path)/file", bytesMax: 10) == "new")
  }
}

struct ProcessLimitTests {
  @Test func `too many open files name the limit and how to raise it`() throws {
    let limit = try #require(ProcessLimit.openFiles.soft)
    let error = SystemCallError(.open, .tooManyOpenFiles, path: "a")
    #expect(
      "\(error)".hasSuffix(
        "; this process's limit is \(limit) (RLIMIT_NOFILE, ulimit -n): raise it"), "\(error)")
    #expect(ProcessLimit(error) == .openFiles)
    #expect(ProcessLimit(SystemCallError(.open, .noSuchFile, path: "a")) == nil)
  }
}
