import LinuxIO
import Results
import Testing

struct CSVTests {
  private static let pieces = [
    "a", "b", ",", "\"", "\r", "\n", "\r\n", " ", "é", "\u{301}", "👩🏽‍🚀", "\u{feff}", "\t", "0", "",
    "\u{0}", "\u{2028}",
  ]

  private func field(_ random: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<random.below(8) { text += Self.pieces[random.below(Self.pieces.count)] }
    return text
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `random records are read back as they were written`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for round in 0..<400 {
      let rows = (0..<(1 + random.below(6))).map { _ in
        (0..<(1 + random.below(5))).map { _ in field(&random) }
      }
      // A record of one empty field is an empty line.
      let text = rows.map { CSV.record($0) }.joined()
      let back = try CSV.records(text)
      guard back.map({ $0.fields }).elementsEqual(rows, by: ==) else {
        Issue.record("seed \(seed), round \(round): \(rows) came back as \(back)")
        return
      }
    }
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func `random text is read or refused, and never more`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<3000 {
      var text = ""
      for _ in 0..<random.below(30) { text += Self.pieces[random.below(Self.pieces.count)] }
      do throws(CSVError) {
        let records = try CSV.records(text)
        // What was read says the same when it is written.
        let again = try CSV.records(records.map { CSV.record($0.fields) }.joined())
        #expect(
          again.map(\.fields) == records.map(\.fields), "seed \(seed): \(text.debugDescription)")
      } catch {
        let lines = text.unicodeScalars.count { $0 == "\n" || $0 == "\r" } + 1
        #expect((1...lines).contains(error.line), "seed \(seed): \(text.debugDescription)")
      }
    }
  }

  @Test func `nothing is no record, and an empty field stays one`() throws {
    #expect(try CSV.records("").isEmpty)
    #expect(try CSV.records("a,\r\n").map(\.fields) == [["a", ""]])
    #expect(try CSV.records("\"\",\"\"").map(\.fields) == [["", ""]])
    #expect(try CSV.records(CSV.record([nil, "x", nil])).map(\.fields) == [["", "x", ""]])
  }

  @Test func `lines may end in LF, and the last one in nothing`() throws {
    #expect(try CSV.records("a,b\nc,d").map(\.fields) == [["a", "b"], ["c", "d"]])
    #expect(try CSV.records("a,b\nc,d\n").map(\.fields) == [["a", "b"], ["c", "d"]])
    #expect(try CSV.records("a,b\r\nc,d\n").map(\.fields) == [["a", "b"], ["c", "d"]])
  }

  @Test func `each record knows the line that it begins on`() throws {
    let text = "a,b\r\n\"1\n2\r\n3\",c\r\nd,e\r\n"
    #expect(try CSV.records(text).map(\.line) == [1, 2, 5])
  }

  @Test(arguments: [
    ("a,b\n\"c,d\n", 2, "a quote is not closed"), ("\"", 1, "a quote is not closed"),
    ("a\n\"b\"c\n", 2, "text follows a closing quote"),
    ("a,\"b\" ,c", 1, "text follows a closing quote"),
    ("a\nb,c\"d\n", 2, "a quote stands within a field"),
    ("ab\"", 1, "a quote stands within a field"),
    ("x,a\"\"b", 1, "a quote stands within a field"),
  ])
  func `a text that is no CSV is refused with its line`(
    text: String, line: Int, problem: String
  ) {
    let error = #expect(throws: CSVError.self) { try CSV.records(text) }
    #expect(error?.line == line && error?.problem == problem, "\(String(describing: error))")
  }
}
