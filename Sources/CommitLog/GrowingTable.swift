import Synchronization

/// An append-only table of fixed-size entries that one thread writes and any number read, without
/// a lock: chunks are set once and never move, and the count is published after the entry.
package final class GrowingTable: Sendable {
  private static let chunkEntries = 1024

  private final class Chunk: Sendable {
    // SAFETY: set in init. An entry is written by the one writer before `count` covers it
    // (releasing) and read only below a loaded `count` (acquiring); it never changes afterwards.
    nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>
    private let count: Int

    init(count: Int) {
      self.count = count
      words = .allocate(capacity: count)
      words.initialize(repeating: 0, count: count)
    }

    deinit { words.deallocate() }
  }

  private let wordsPerEntry: Int
  private let chunkCount: Int
  // SAFETY: set in init; the elements are atomics.
  private nonisolated(unsafe) let chunks: UnsafeMutablePointer<AtomicLazyReference<Chunk>>
  private let published = Atomic<Int>(0)

  /// A table of entries of `wordsPerEntry` words, for at most `capacity` entries.
  package init(wordsPerEntry: Int, capacity: Int) {
    self.wordsPerEntry = wordsPerEntry
    chunkCount = max(1, (capacity + Self.chunkEntries - 1) / Self.chunkEntries)
    chunks = .allocate(capacity: chunkCount)
    for index in 0..<chunkCount { (chunks + index).initialize(to: AtomicLazyReference()) }
  }

  deinit {
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
    let chunk = chunks[slot].load() ?? makeChunk(slot)
    let word = entry % Self.chunkEntries * wordsPerEntry
    chunk.words[word] = first
    if wordsPerEntry > 1 { chunk.words[word + 1] = second }
    published.store(entry + 1, ordering: .releasing)
    return true
  }

  /// A word of an entry below `count`.
  package func word(_ entry: Int, _ index: Int = 0) -> UInt64 {
    guard let chunk = chunks[entry / Self.chunkEntries].load() else { return 0 }
    return chunk.words[entry % Self.chunkEntries * wordsPerEntry + index]
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
    chunks[slot].storeIfNil(Chunk(count: Self.chunkEntries * wordsPerEntry))
  }
}
