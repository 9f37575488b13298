import Testing
import Wording

struct QuantityTests {
  @Test(
    arguments: [
      (Quantity.count, "16", 16), (.count, "4_096", 4096), (.bytes, "64KiB", 65536),
      (.bytes, "100kB", 100_000), (.bytes, "4096", 4096), (.bytes, "1 MiB", 1 << 20),
      (.milliseconds, "10ms", 10), (.milliseconds, "2s", 2000), (.milliseconds, "1min", 60_000),
    ] as [(Quantity, String, Int64)])
  func `numbers, sizes and durations are read`(
    kind: Quantity, text: String, value: Int64
  ) throws {
    #expect(try kind.value(of: text, in: 0...(1 << 40)) == value)
  }

  @Test(
    arguments: [
      "", " ", "-1", "+1", "1.5", "0x10", "1e3", "many", "٣", "16 apples", "_1",
      "99999999999999999999", "9223372036854775807TiB", "1KiBB", "1kb",
    ])
  func `what is no size says what was found and what is expected`(text: String) {
    let error = #expect(throws: ValueProblem.self) {
      try Quantity.bytes.value(of: text, in: 1...(1 << 30))
    }
    #expect(
      error?.text
        == "found '\(text)', expected a size from 1 to 1GiB, such as 64KiB (units: B, kB, MB, GB, "
        + "KiB, MiB, GiB, TiB)")
  }

  @Test func `a number beyond the range names the range`() {
    let error = #expect(throws: ValueProblem.self) {
      try Quantity.count.value(of: "4097", in: 1...4096)
    }
    #expect(error?.text == "found '4097', expected a whole number from 1 to 4096")
  }
}
