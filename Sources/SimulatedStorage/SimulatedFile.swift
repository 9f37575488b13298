/// One file of the simulated disk, under whatever name: what processes see, what a power cut is
/// sure to leave, and the changes in between.
///
/// ```
///   cache   = durable + what failed synchronizations orphaned + changes, in order
///   durable = as of the last successful synchronizeData
/// ```
struct SimulatedFile: Sendable {
  enum Change: Sendable {
    case write(position: Int, bytes: [UInt8], isDirect: Bool)
    /// The size changed, by truncation, allocation or a write past the end (which then follows).
    case resize(from: Int, to: Int)
  }

  private(set) var cache = PageTable()
  private(set) var size = 0
  private(set) var durable = PageTable()
  private(set) var durableSize = 0
  /// Not synchronized yet, oldest first.
  private(set) var changes: [Change] = []
  /// Sectors whose writeback failed, as they were then: clean as far as the kernel knows, so no
  /// later synchronization writes them, unless a later write makes their sector dirty again.
  private(set) var orphans: [Int: [UInt8]] = [:]
  /// Pages with space on the disk, and those of them that survive a power cut.
  private(set) var space = PageSet()
  private(set) var durableSpace = PageSet()

  var openCount = 0
  var isLinked = true

  init() {}

  /// A file as it is found after a power cut: all of it durable.
  init(durable: PageTable, size: Int, space: PageSet) {
    self.durable = durable
    self.durableSize = size
    self.cache = durable
    self.size = size
    self.durableSpace = space
    for page in durable.filledPages { durableSpace.insert(page..<(page + 1)) }
    self.space = durableSpace
  }

  /// Bytes that can be read from `position` on, at most `count`.
  func readableCount(at position: Int, _ count: Int) -> Int {
    max(0, min(count, size - position))
  }

  /// Takes the space first: `reserve`.
  mutating func write(_ bytes: UnsafeRawBufferPointer, at position: Int, isDirect: Bool) {
    cache.write(bytes, at: position)
    let end = position + bytes.count
    if end > size {
      changes.append(.resize(from: size, to: end))
      size = end
    }
    changes.append(.write(position: position, bytes: [UInt8](bytes), isDirect: isDirect))
  }

  /// The pages taken or, below zero, given back.
  mutating func resize(to newSize: Int) -> Int {
    let firstFree = (newSize + PageTable.pageBytes - 1) / PageTable.pageBytes
    if newSize == size { return -space.remove(from: firstFree) }
    changes.append(.resize(from: size, to: newSize))
    defer { size = newSize }
    if newSize > size { return 0 }
    cache.truncate(to: newSize)
    let firstGone = (newSize + PageTable.sectorBytes - 1) / PageTable.sectorBytes
    if !orphans.isEmpty { orphans = orphans.filter { $0.key < firstGone } }
    return -space.remove(from: firstFree)
  }

  /// Takes space for these pages; how many were new.
  mutating func reserve(_ pages: Range<Int>) -> Int { space.insert(pages) }

  /// Everything the process sees becomes durable, except orphans that nothing wrote again.
  mutating func synchronize() {
    for change in changes {
      switch change {
      case .resize(let from, let to): if to < from { durable.truncate(to: to) }
      case .write(let position, let bytes, _):
        let range = position..<(position + bytes.count)
        if orphans.isEmpty {
          for page in PageTable.pages(of: range) { durable.copyPage(page, from: cache) }
        } else {
          for sector in PageTable.sectors(of: range) {
            durable.copySector(sector, from: cache)
            orphans[sector] = nil
          }
        }
      }
    }
    changes.removeAll(keepingCapacity: true)
    durableSize = size
    durableSpace = space
  }

  /// As Linux after a failed writeback: the pages count as clean and stay visible, and whether
  /// they reached the disk is known to nobody. Size changes are the journal's, and stay pending.
  mutating func failSynchronization() {
    var kept: [Change] = []
    for change in changes {
      guard case .write(let position, let bytes, _) = change else {
        kept.append(change)
        continue
      }
      for sector in PageTable.sectors(of: position..<(position + bytes.count))
      where sector * PageTable.sectorBytes < size {
        orphans[sector] = cache.sector(sector)
      }
    }
    changes = kept
  }

  /// Bit rot: on the platter and in the cache alike.
  mutating func flipBit(_ bit: Int) {
    cache.flipBit(bit)
    if bit / 8 < durableSize { durable.flipBit(bit) }
  }
}
