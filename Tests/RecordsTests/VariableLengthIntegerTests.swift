import Records
import Testing

@Suite struct VariableLengthIntegerTests {
  private func decodeVarint(_ bytes: [UInt8]) throws -> (Int32, Int) {
    var position = 0
    let value = try VariableLengthInteger.decodeVarint(
      bytes.span.bytes, at: &position, end: bytes.count)
    return (value, position)
  }

  private func decodeVarlong(_ bytes: [UInt8]) throws -> (Int64, Int) {
    var position = 0
    let value = try VariableLengthInteger.decodeVarlong(
      bytes.span.bytes, at: &position, end: bytes.count)
    return (value, position)
  }

  @Test(
    "known encodings come out",
    arguments: [
      (0, [0x00]), (-1, [0x01]), (1, [0x02]), (63, [0x7e]), (-64, [0x7f]), (64, [0x80, 0x01]),
      (-65, [0x81, 0x01]), (8191, [0xfe, 0x7f]), (-8192, [0xff, 0x7f]), (8192, [0x80, 0x80, 0x01]),
      (Int64(Int32.max), [0xfe, 0xff, 0xff, 0xff, 0x0f]),
      (Int64(Int32.min), [0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] as [(Int64, [UInt8])])
  func knownEncodings(_ value: Int64, _ expected: [UInt8]) throws {
    #expect(variable(value) == expected)
    #expect(VariableLengthInteger.byteCount(of: value) == expected.count)
    #expect(try decodeVarint(expected) == (Int32(value), expected.count))
    #expect(try decodeVarlong(expected) == (value, expected.count))
  }

  @Test("64-bit extremes take ten bytes and come back")
  func extremes() throws {
    for value in [Int64.min, Int64.max] {
      let bytes = variable(value)
      #expect(bytes.count == VariableLengthInteger.varlongByteCountMax)
      #expect(VariableLengthInteger.byteCount(of: value) == bytes.count)
      #expect(try decodeVarlong(bytes) == (value, 10))
    }
  }

  @Test("random integers of every size come back, in the number of bytes announced")
  func roundTrip() throws {
    var generator = SeededGenerator(seed: printedSeed())
    for _ in 0..<20_000 {
      let shift = Int.random(in: 0..<64, using: &generator)
      let value = Int64(bitPattern: generator.next()) >> shift
      let bytes = variable(value)
      #expect(bytes.count == VariableLengthInteger.byteCount(of: value))
      #expect(try decodeVarlong(bytes) == (value, bytes.count))
      if let narrow = Int32(exactly: value) {
        #expect(try decodeVarint(bytes) == (narrow, bytes.count))
      }
    }
  }

  @Test("an integer that is cut short is an end, and the position stays")
  func cutShort() {
    for value in [Int64.max, 300, -70_000] {
      let bytes = variable(value)
      for count in 0..<bytes.count {
        var position = 0
        #expect(throws: VariableLengthInteger.DecodingError.endOfBytes) {
          _ = try VariableLengthInteger.decodeVarlong(
            bytes.span.bytes, at: &position, end: count)
        }
        #expect(position == 0)
      }
    }
  }

  @Test("more bytes or more bits than the width has are overlong")
  func overlong() {
    let sixBytes = [UInt8](repeating: 0x80, count: 5) + [0]
    let bit32: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x10]
    let elevenBytes = [UInt8](repeating: 0x80, count: 10) + [0]
    let bit64 = [UInt8](repeating: 0x80, count: 9) + [2]
    for bytes in [sixBytes, bit32] {
      #expect(throws: VariableLengthInteger.DecodingError.overlong) { try decodeVarint(bytes) }
    }
    for bytes in [elevenBytes, bit64] {
      #expect(throws: VariableLengthInteger.DecodingError.overlong) { try decodeVarlong(bytes) }
    }
  }

  @Test("redundant zeros within the width are read, as Kafka reads them")
  func redundantZeros() throws {
    #expect(try decodeVarint([0x82, 0x80, 0x80, 0x80, 0x00]) == (1, 5))
    #expect(try decodeVarlong([0x82, 0x80, 0x00]) == (1, 3))
  }
}
