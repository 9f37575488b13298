import CLinux
import Records
import Testing

@Suite struct CRC32CTests {
  @Test(
    "known vectors (RFC 3720 B.4 and the check value) come out",
    arguments: [
      (Array("123456789".utf8), 0xe306_9283),
      ([], 0),
      ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
      ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
      ([UInt8](0..<32), 0x46dd_794e),
      ([UInt8]((0..<32).reversed()), 0x113f_db5c),
    ] as [([UInt8], UInt32)])
  func knownVectors(_ bytes: [UInt8], _ expected: UInt32) {
    #expect(CRC32C.checksum(bytes.span.bytes) == expected)
    #expect(clinux_crc32c_table(0, bytes, bytes.count) == expected)
  }

  @Test(
    "hardware and table agree at every length, every alignment and from any start",
    .enabled(if: CRC32C.usesHardware, "this processor has no CRC-32C instruction"))
  func hardwareAgainstTable() {
    var generator = SeededGenerator(seed: printedSeed())
    let bytes = generator.bytes(64 * 1024 + 16)
    // The hardware loop changes its stride at 3 * 4096 bytes.
    let lengths =
      Array(0...300) + Array(12_270...12_300) + [24_575, 24_576, 24_577, 36_864, 40_000, 65_536]
    bytes.withUnsafeBytes { memory in
      guard let base = memory.baseAddress else { return }
      for length in lengths {
        for alignment in 0..<8 {
          let start = UInt32(truncatingIfNeeded: generator.next())
          let hardware = clinux_crc32c_hardware(start, base + alignment, length)
          let table = clinux_crc32c_table(start, base + alignment, length)
          #expect(hardware == table, "length \(length), alignment \(alignment)")
        }
      }
    }
  }

  @Test("a checksum goes on where another ended")
  func continuing() {
    var generator = SeededGenerator(seed: printedSeed())
    let bytes = generator.bytes(40_000)
    let whole = CRC32C.checksum(bytes.span.bytes)
    for cut in [0, 1, 7, 8, 9, 100, 12_287, 12_288, 12_289, 30_001, 39_999, 40_000] {
      let first = CRC32C.checksum(bytes.span.bytes.extracting(0..<cut))
      let rest = bytes.span.bytes.extracting(cut..<bytes.count)
      #expect(CRC32C.checksum(rest, continuing: first) == whole, "cut at \(cut)")
    }
  }
}
