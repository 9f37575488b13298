import Broker
import LinuxIO
import Logging
import Testing

@Suite("Broker log")
struct BrokerLogTests {
  private final class Lines: Sendable {
    let all = Lock<[String]>([])
    var text: [String] { all.withLock { $0 } }
  }

  private func log(
    _ format: LogFormat = .text, _ level: Logger.Level = .info, perSecond: Int = 10
  ) -> (BrokerLog, Lines) {
    let lines = Lines()
    let log = BrokerLog(
      format: format, level: level, perSecond: perSecond, clock: { 1_795_577_280_123 }
    ) { line in lines.all.withLock { $0.append(line) } }
    return (log, lines)
  }

  @Test("a line has the time, the level, the message and the fields by name")
  func text() {
    let (log, lines) = log()
    log.info("listening", ["port": "9092", "host": "a b", "empty": "", "odd": "x=\"y\""])
    log.warning("plain")
    #expect(
      lines.text == [
        "2026-11-25T03:28:00.123Z info listening empty=\"\" host=\"a b\" odd=\"x=\\\"y\\\"\" "
          + "port=9092\n",
        "2026-11-25T03:28:00.123Z warning plain\n",
      ])
  }

  @Test("JSON lines have the same, and no key twice")
  func json() {
    let (log, lines) = log(.json)
    log.error("it \"failed\"\n", ["path": "a\\b\u{1}", "level": "9"])
    #expect(
      lines.text == [
        #"{"time":"2026-11-25T03:28:00.123Z","level":"error","message":"it \"failed\"\n","#
          + #""level_":"9","path":"a\\b\u0001"}"# + "\n"
      ])
  }

  @Test("what a client sends cannot begin a line, move the cursor or fill the disk")
  func injection() throws {
    for format in LogFormat.allCases {
      let (log, lines) = log(format)
      let hostile = "\n2026 error fake\r\u{1b}[2J\u{85}\u{9b}\u{2028}"
      log.info(hostile, ["client": hostile, "long": String(repeating: "x", count: 100_000)])
      let line = try #require(lines.text.first)
      #expect(line.utf8.count < 2000)
      let inside = line.unicodeScalars.dropLast()
      #expect(
        inside.allSatisfy {
          $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) && $0.value != 0x2028
        })
    }
  }

  @Test("less severe lines cost nothing and are not written")
  func level() {
    let (log, lines) = log(.text, .warning)
    var asked = 0
    func message() -> String {
      asked += 1
      return "m"
    }
    log.info(message())
    log.limited("kind", .info, message(), now: 0)
    log.warning(message())
    #expect(asked == 1 && lines.text.count == 1)
  }

  @Test("swift-log's own fields and errors are written too")
  func ownFields() {
    let (log, lines) = log()
    var logger = log.logger
    logger[metadataKey: "node"] = "3"
    logger.info("m", metadata: ["list": ["a", "b"]])
    #expect(
      lines.text == ["2026-11-25T03:28:00.123Z info m list=\"[\\\"a\\\", \\\"b\\\"]\" node=3\n"])
  }

  @Test("of lines that a client causes so many pass a second, and the rest are counted")
  func limited() {
    let (log, lines) = log(.text, .info, perSecond: 2)
    let second: Int64 = 1_000_000_000
    for step in 0..<5 { log.limited("bad", .info, "bad \(step)", now: Int64(step)) }
    log.limited("other", .info, "other", now: 5)
    log.limited("bad", .info, "late", now: second - 1)
    log.limited("bad", .info, "again", now: second)
    log.writeLeftOut(now: second)
    let messages = lines.text.map { $0.dropFirst("2026-11-25T03:28:00.123Z ".count) }
    #expect(
      messages == [
        "info bad 0\n", "info bad 1\n", "info other\n",
        "warning left out lines of one kind count=4 kind=bad\n", "info again\n",
      ])
  }

  @Test("what was left out is told when nothing more comes, once")
  func leftOut() {
    let (log, lines) = log(.text, .info, perSecond: 1)
    for _ in 0..<3 { log.limited("bad", .info, "bad", now: 0) }
    log.writeLeftOut(now: 999_999_999)
    #expect(lines.text.count == 1)
    for _ in 0..<2 { log.writeLeftOut(now: 1_000_000_000) }
    #expect(lines.text.count == 2)
    #expect(lines.text.last?.contains("count=2 kind=bad") == true)
    log.limited("bad", .info, "bad", now: 2_000_000_000)
    #expect(lines.text.count == 3)
  }

  @Test("times before 1970 and far away are still times")
  func times() {
    #expect(LineText.time(milliseconds: -1) == "1969-12-31T23:59:59.999Z")
    #expect(LineText.time(milliseconds: 951_782_400_000) == "2000-02-29T00:00:00.000Z")
    for extreme in [Int64.min, Int64.max] { #expect(!LineText.time(milliseconds: extreme).isEmpty) }
  }
}
