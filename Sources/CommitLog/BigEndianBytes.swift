extension [UInt8] {
  /// Appends `value`, most significant byte first, as Kafka's files have it.
  mutating func appendBigEndian<Value: FixedWidthInteger>(_ value: Value) {
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }

  /// The unsigned number in `count` bytes at `position`, which must lie inside.
  func bigEndian(at position: Int, count: Int) -> UInt64 {
    self[position..<(position + count)].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
