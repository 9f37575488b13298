import Broker
import Testing

@Suite("Properties files")
struct PropertiesTextTests {
  private func parse(_ text: String) throws -> [PropertiesText.Property] {
    try PropertiesText.parse(text)
  }

  private func property(_ name: String, _ value: String, _ line: Int) -> PropertiesText.Property {
    PropertiesText.Property(name: name, value: value, line: line)
  }

  @Test("comments, blank lines and spaces around are no part of it")
  func plain() throws {
    let text = "# a=b\n  ! c=d\n\n \t\n  e.f \t= g h  \nlisteners=PLAINTEXT://h:1\ni:\n"
    #expect(
      try parse(text) == [
        property("e.f", "g h", 5), property("listeners", "PLAINTEXT://h:1", 6),
        property("i", "", 7),
      ])
  }

  @Test("every line end counts a line, and the last one may be missing")
  func lineEnds() throws {
    #expect(
      try parse("a=1\r\nb=2\rc=3\n\nd=4") == [
        property("a", "1", 1), property("b", "2", 2), property("c", "3", 3), property("d", "4", 5),
      ])
  }

  @Test("a backslash at the end goes on, with the next line's spaces left out")
  func continuation() throws {
    #expect(
      try parse("a=1,\\\n   2,\\\n\t#3\nb=4\\\\\nc=5\\") == [
        property("a", "1,2,#3", 1), property("b", "4\\", 4), property("c", "5", 5),
      ])
  }

  @Test("a comment does not go on")
  func commentEnds() throws {
    #expect(try parse("#a\\\nb=1") == [property("b", "1", 2)])
  }

  @Test("escapes are Java's")
  func escapes() throws {
    #expect(
      try parse("a\\=b=c\\td\\\\e\\:\nü=é") == [
        property("a=b", "c\td\\e:", 1), property("ü", "é", 2),
      ])
  }

  @Test(
    "what is no property is refused with its line",
    arguments: [("a=1\nb", 2), ("\n\n=c", 3), ("a=\\u0041", 1), ("a=1\nb\\=c", 2), ("\\", 1)])
  func malformed(_ text: String, _ line: Int) {
    let error = #expect(throws: PropertiesText.Malformed.self) { try PropertiesText.parse(text) }
    #expect(error?.line == line)
  }

  @Test("no text traps")
  func anyText() {
    let pieces = ["\\", "=", ":", "\n", "\r", " ", "#", "a", "\u{0}", "ü", "\\u", "!"]
    var state: UInt64 = 1
    for _ in 0..<5000 {
      var text = ""
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += pieces[Int((state >> 33) % UInt64(pieces.count))]
      }
      let properties = try? PropertiesText.parse(text)
      for property in properties ?? [] { #expect(!property.name.isEmpty) }
    }
  }
}
