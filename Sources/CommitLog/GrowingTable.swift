import Synchronization

/// An append-only table of fixed-size entries that one thread writes and any number read, without
/// a lock: chunks are set once and never move, and the count is published after the entry.
package final class GrowingTable: Sendable {
  private static let chunkEntries = 1024

  private typealias Chunk = UnsafeMutablePointer<UInt64>

  private let wordsPerEntry: Int
  private let chunkCount: Int
  // SAFETY: set in init; the elements are atomics. A chunk is stored (releasing) once, and freed
  // with the table. Its entries are written by the one writer before `published` covers them
  // (releasing), read only below a loaded `published` (acquiring), and never change afterwards.
  private nonisolated(unsafe) let chunks: UnsafeMutablePointer<Atomic<Chunk?>>
  private let published = Atomic<Int>(0)

  /// A table of entries of `wordsPerEntry` words, for at most `capacity` entries.
  package init(wordsPerEntry: Int, capacity: Int) {
    self.wordsPerEntry = wordsPerEntry
    chunkCount = max(1, (capacity + Self.chunkEntries - 1) / Self.chunkEntries)
    chunks = .allocate(capacity: chunkCount)
    for index in 0..<chunkCount { (chunks + index).initialize(to: Atomic(nil)) }
  }

  deinit {
    for index in 0..<chunkCount { chunks[index].load(ordering: .relaxed)?.deallocate() }
    chunks.deinitialize(count: chunkCount)
    chunks.deallocate()
  }

  /// Entries that may be read.
  package var count: Int { published.load(ordering: .acquiring) }

  /// The writer only. False when the table is full: an index may be sparser than it wanted to be.
  @discardableResult
  package func append(_ first: UInt64, _ second: UInt64 = 0) -> Bool {
    let entry = published.load(ordering: .relaxed)
    let slot = entry / Self.chunkEntries
    guard slot < chunkCount else { return false }
    let chunk = chunks[slot].load(ordering: .relaxed) ?? makeChunk(slot)
    let word = entry % Self.chunkEntries * wordsPerEntry
    chunk[word] = first
    if wordsPerEntry > 1 { chunk[word + 1] = second }
    published.store(entry + 1, ordering: .releasing)
    return true
  }

  /// A word of an entry below `count`.
  package func word(_ entry: Int, _ index: Int = 0) -> UInt64 {
    guard let chunk = chunks[entry / Self.chunkEntries].load(ordering: .acquiring) else { return 0 }
    return chunk[entry % Self.chunkEntries * wordsPerEntry + index]
  }

  /// The number of leading entries for which `belongs` holds, where it holds for a prefix.
  package func partitionPoint(where belongs: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = low + (high - low) / 2
      if belongs(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func makeChunk(_ slot: Int) -> Chunk {
    let chunk = Chunk.allocate(capacity: Self.chunkEntries * wordsPerEntry)
    chunk.initialize(repeating: 0, count: Self.chunkEntries * wordsPerEntry)
    chunks[slot].store(chunk, ordering: .releasing)
    return chunk
  }
}
