import LinuxIO
import Synchronization

/// The last, partial block of a segment whose backend rewrites that block as it fills: readers get
/// those bytes from here, never from a page or a sector that a later write will change.
///
/// One writer (the backend's I/O thread), any number of readers, and no lock: a sequence lock over
/// atomic words. The writer never waits; a reader copies at most one block, and copies again when
/// the writer came in between.
///
/// ```
///   file:   [ block ][ block ][ block ][ tail block, padded ]
///                                      ^ start ... start + count: served from here
/// ```
package final class SegmentTail: Sendable {
  private let wordCount: Int
  // SAFETY: the pointer is set once, in init, and the memory is only reached through atomics.
  private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let sequence = Atomic<UInt64>(0)
  private let firstPosition = Atomic<Int64>(0)
  private let count = Atomic<Int>(0)

  package init(blockBytes: Int) {
    wordCount = (blockBytes + 7) / 8
    words = .allocate(capacity: wordCount)
    for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    words.deinitialize(count: wordCount)
    words.deallocate()
  }

  /// Says that the file's bytes from `newStart` on, so far `bytes`, are to be read from here.
  /// With no bytes, everything before `newStart` is in the file and stays as it is.
  package func publish(start newStart: Int64, _ bytes: RawSpan) {
    precondition(bytes.byteCount <= wordCount * 8)
    let next = sequence.load(ordering: .relaxed) &+ 2
    // Odd while it changes. The fence keeps the stores below from being seen before this one; the
    // release store at the end keeps them from being seen after it.
    sequence.store(next &- 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    firstPosition.store(newStart, ordering: .relaxed)
    count.store(bytes.byteCount, ordering: .relaxed)
    bytes.withUnsafeBytes { source in
      for index in 0..<((source.count + 7) / 8) {
        var word: UInt64 = 0
        let part = source[(index * 8)..<min(index * 8 + 8, source.count)]
        withUnsafeMutableBytes(of: &word) { $0.copyBytes(from: part) }
        words[index].store(word, ordering: .relaxed)
      }
    }
    sequence.store(next, ordering: .releasing)
  }

  /// Where the bytes begin in the file, or did a moment ago: what lies before it is in the file.
  package var start: Int64 { firstPosition.load(ordering: .acquiring) }

  /// A consistent copy: where the bytes begin in the file, and the bytes.
  package func snapshot() -> (start: Int64, bytes: [UInt8]) {
    while true {
      let before = sequence.load(ordering: .acquiring)
      if before & 1 == 0 {
        let from = firstPosition.load(ordering: .relaxed)
        let bytes = copy(count: count.load(ordering: .relaxed))
        atomicMemoryFence(ordering: .acquiring)
        if sequence.load(ordering: .relaxed) == before { return (from, bytes) }
      }
    }
  }

  private func copy(count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: wordCount * 8) { target, initialized in
      for index in 0..<((count + 7) / 8) {
        let word = words[index].load(ordering: .relaxed)
        target.baseAddress.map {
          UnsafeMutableRawPointer($0).storeBytes(
            of: word, toByteOffset: index * 8, as: UInt64.self)
        }
      }
      initialized = count
    }
  }
}
