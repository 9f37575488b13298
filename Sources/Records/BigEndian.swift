// Kafka's fixed-width integers are big-endian and unaligned. Positions are checked against the
// span's end by the span itself; a caller with outside data has compared sizes before.

extension RawSpan {
  /// The big-endian integer at `position`.
  @inline(__always)
  func loadBigEndian<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, at position: Int
  ) -> Value {
    Value(bigEndian: unsafeLoadUnaligned(fromByteOffset: position, as: type))
  }
}

extension MutableRawSpan {
  /// Writes `value` big-endian at `position`.
  @inline(__always)
  mutating func storeBigEndian<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, at position: Int
  ) {
    storeBytes(of: value.bigEndian, toByteOffset: position, as: Value.self)
  }

  /// Copies `source` to `position`. There must be room for it.
  @inline(__always)
  mutating func copy(_ source: RawSpan, to position: Int) {
    precondition(position >= 0 && source.byteCount <= byteCount - position)
    withUnsafeMutableBytes { memory in
      source.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress, let base = memory.baseAddress else { return }
        (base + position).copyMemory(from: from, byteCount: bytes.count)
      }
    }
  }
}

extension RawSpan {
  /// A copy that owns its memory.
  func copied() -> [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
