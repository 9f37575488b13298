/// MurmurHash2, 32 bits, as Kafka's clients use it to place keyed records: any client that sends
/// the same key to a topic with as many partitions finds the same one.
package enum Murmur2 {
  private static let seed: UInt32 = 0x9747_b28c
  private static let multiplier: UInt32 = 0x5bd1_e995

  /// The hash, in the signed form that Kafka's documents and tests give it.
  package static func hash(_ bytes: RawSpan) -> Int32 {
    let count = bytes.byteCount
    var hash = seed ^ UInt32(truncatingIfNeeded: count)
    var position = 0
    while position + 4 <= count {
      let word = bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self)
      var mixed = UInt32(littleEndian: word) &* multiplier
      mixed ^= mixed &>> 24
      mixed = mixed &* multiplier
      hash = (hash &* multiplier) ^ mixed
      position += 4
    }
    if position < count {
      for index in position..<count {
        let byte = UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
        hash ^= byte &<< UInt32(truncatingIfNeeded: 8 * (index - position))
      }
      hash = hash &* multiplier
    }
    hash ^= hash &>> 13
    hash = hash &* multiplier
    hash ^= hash &>> 15
    return Int32(bitPattern: hash)
  }

  /// The partition, 0 ..< `partitionCount`, for a record with this key. The sign bit is masked
  /// off, as Kafka's `toPositive` does, and not the absolute value taken.
  ///
  /// - Precondition: `partitionCount` is at least 1.
  package static func partition(for key: RawSpan, of partitionCount: Int32) -> Int32 {
    precondition(partitionCount >= 1)
    return (hash(key) & Int32.max) % partitionCount
  }
}
