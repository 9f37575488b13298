/// Which pages of a file have space on the disk.
struct PageSet: Sendable {
  private var words: [UInt64] = []
  private(set) var count = 0

  /// How many pages of `range` are not in the set.
  func missing(in range: Range<Int>) -> Int {
    var present = 0
    Self.eachWord(range) { word, mask in
      if word < words.count { present += (words[word] & mask).nonzeroBitCount }
    }
    return range.count - present
  }

  /// Adds the pages; how many were new.
  @discardableResult
  mutating func insert(_ range: Range<Int>) -> Int {
    if range.isEmpty { return 0 }
    let last = (range.upperBound - 1) / 64
    if last >= words.count {
      words.append(contentsOf: repeatElement(0, count: last + 1 - words.count))
    }
    var added = 0
    Self.eachWord(range) { word, mask in
      added += (mask & ~words[word]).nonzeroBitCount
      words[word] |= mask
    }
    count += added
    return added
  }

  /// Drops every page from `first` on; how many there were.
  mutating func remove(from first: Int) -> Int {
    let end = words.count * 64
    guard first < end else { return 0 }
    var removed = 0
    Self.eachWord(first..<end) { word, mask in
      removed += (words[word] & mask).nonzeroBitCount
      words[word] &= ~mask
    }
    count -= removed
    return removed
  }

  private static func eachWord(_ range: Range<Int>, _ body: (Int, UInt64) -> Void) {
    var next = range.lowerBound
    while next < range.upperBound {
      let low = next % 64
      let width = min(64 - low, range.upperBound - next)
      let mask = width == 64 ? UInt64.max : ((1 << UInt64(width)) - 1) << UInt64(low)
      body(next / 64, mask)
      next += width
    }
  }
}
