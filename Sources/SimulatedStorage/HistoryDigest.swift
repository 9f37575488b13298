/// A running digest of the calls on a disk, to tell whether two histories were the same (FNV-1a over
/// whole words). Not a checksum of what is stored.
struct HistoryDigest: Hashable, Sendable {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ operation: DiskOperation, path: Int, _ position: Int64, _ count: Int) {
    mix(UInt64(operation.rawValue) << 32 | UInt64(truncatingIfNeeded: path))
    mix(UInt64(bitPattern: position))
    mix(UInt64(bitPattern: Int64(count)))
  }

  private mutating func mix(_ word: UInt64) {
    value = (value ^ word) &* 0x0000_0100_0000_01B3
  }
}
