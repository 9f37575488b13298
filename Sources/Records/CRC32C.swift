import CLinux

/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), the checksum of Kafka's record batches.
package enum CRC32C {
  /// True where the processor's own instruction computes the checksums (x86-64 with SSE 4.2);
  /// false where a table does. Asked of the processor once.
  package static let usesHardware = clinux_crc32c_has_hardware() != 0

  /// The checksum of `bytes`, or, with `continuing` set to the checksum of the bytes before them,
  /// of those and `bytes` together: `checksum(ab) == checksum(b, continuing: checksum(a))`.
  /// The checksum of no bytes is 0. Safe from any thread; does not allocate.
  package static func checksum(_ bytes: RawSpan, continuing: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { memory in
      usesHardware
        ? clinux_crc32c_hardware(continuing, memory.baseAddress, memory.count)
        : clinux_crc32c_table(continuing, memory.baseAddress, memory.count)
    }
  }
}
