import Broker
import Glibc
import Testing

@Suite("A log whose lines a thread writes")
struct LineWriterTests {
  private struct Pipe {
    let reading: Int32
    let writing: Int32

    init() {
      var ends: [Int32] = [0, 0]
      pipe(&ends)
      (reading, writing) = (ends[0], ends[1])
    }

    /// Everything up to the end, once the writing end is closed.
    func rest() -> String {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = read(reading, &chunk, chunk.count)
        if count <= 0 { break }
        bytes += chunk[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test func `has them all, in their order, when it is finished`() throws {
    let pipe = Pipe()
    let writer = try LineWriter(to: pipe.writing)
    for number in 0..<1000 { writer.add("line \(number)\n") }
    writer.finish(seconds: 60)
    writer.add("too late\n")
    close(pipe.writing)
    #expect(pipe.rest() == (0..<1000).map { "line \($0)\n" }.joined())
    close(pipe.reading)
  }

  @Test func `drops the newest while nobody reads, says how many, and makes nobody wait`() throws {
    let pipe = Pipe()
    let writer = try LineWriter(to: pipe.writing)
    let line = String(repeating: "x", count: 999) + "\n"
    // The pipe takes 64 KiB, the thread a megabyte, and the queue another one. Were it to wait, this
    // would not end.
    for _ in 0..<5000 { writer.add(line) }
    writer.finish(seconds: 0.01)
    // From here on it is read, until each line was written or counted.
    var (written, dropped) = (0, 0)
    var text = ""
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while written + dropped < 5000 {
      let count = read(pipe.reading, &chunk, chunk.count)
      text += String(decoding: chunk[..<max(0, count)], as: UTF8.self)
      let lines = text.split(separator: "\n").filter { !$0.isEmpty }
      written = lines.count { $0.hasPrefix("xxx") && $0.utf8.count == 999 }
      dropped = lines.filter { $0.contains("lines of the log were dropped") }
        .compactMap { $0.split(separator: " ").compactMap { Int($0) }.first }.reduce(0, +)
    }
    #expect(written + dropped == 5000)
    #expect(written < 2300)
    close(pipe.writing)
    close(pipe.reading)
  }
}
