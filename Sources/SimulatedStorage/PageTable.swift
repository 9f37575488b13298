/// A file's bytes in pages of 4 KiB: holes cost nothing, and a copy shares every page until one of
/// the two is written.
///
/// Bytes past the owner's file size are zero; `truncate` keeps it so.
struct PageTable: Sendable {
  static let pageBytes = 4096
  static let sectorBytes = 512

  /// An empty page is a hole, and reads as zeros.
  private var pages: [[UInt8]] = []

  /// Copies bytes from `position` on into all of `target`; holes and what lies past the last page
  /// give zeros.
  func read(into target: UnsafeMutableRawBufferPointer, at position: Int) {
    var done = 0
    while done < target.count {
      let (index, offset) = Self.split(position + done)
      let count = min(Self.pageBytes - offset, target.count - done)
      let part = UnsafeMutableRawBufferPointer(rebasing: target[done..<(done + count)])
      if index < pages.count && !pages[index].isEmpty {
        pages[index].withUnsafeBytes {
          part.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + count)]))
        }
      } else {
        part.initializeMemory(as: UInt8.self, repeating: 0)
      }
      done += count
    }
  }

  mutating func write(_ source: UnsafeRawBufferPointer, at position: Int) {
    var done = 0
    while done < source.count {
      let (index, offset) = Self.split(position + done)
      let count = min(Self.pageBytes - offset, source.count - done)
      let part = UnsafeRawBufferPointer(rebasing: source[done..<(done + count)])
      grow(to: index)
      if count == Self.pageBytes {
        pages[index] = [UInt8](part)
      } else {
        fill(index)
        pages[index].withUnsafeMutableBytes {
          UnsafeMutableRawBufferPointer(rebasing: $0[offset..<(offset + count)])
            .copyMemory(from: part)
        }
      }
      done += count
    }
  }

  /// Drops what lies past `size`.
  mutating func truncate(to size: Int) {
    let (index, offset) = Self.split(size)
    let kept = offset == 0 ? index : index + 1
    if pages.count > kept { pages.removeSubrange(kept...) }
    guard offset > 0, index < pages.count, !pages[index].isEmpty else { return }
    pages[index].withUnsafeMutableBytes {
      _ = UnsafeMutableRawBufferPointer(rebasing: $0[offset...])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// Makes the page the same as `other`'s; shares it.
  mutating func copyPage(_ index: Int, from other: PageTable) {
    let source = index < other.pages.count ? other.pages[index] : []
    if source.isEmpty && index >= pages.count { return }
    grow(to: index)
    pages[index] = source
  }

  /// Makes one sector the same as `other`'s.
  mutating func copySector(_ sector: Int, from other: PageTable) {
    withUnsafeTemporaryAllocation(byteCount: Self.sectorBytes, alignment: 16) { scratch in
      other.read(into: scratch, at: sector * Self.sectorBytes)
      write(UnsafeRawBufferPointer(scratch), at: sector * Self.sectorBytes)
    }
  }

  func sector(_ sector: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.sectorBytes) { target, count in
      read(into: UnsafeMutableRawBufferPointer(target), at: sector * Self.sectorBytes)
      count = Self.sectorBytes
    }
  }

  mutating func setSector(_ sector: Int, to bytes: [UInt8]) {
    bytes.withUnsafeBytes { write($0, at: sector * Self.sectorBytes) }
  }

  func bytes(count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      read(
        into: UnsafeMutableRawBufferPointer(start: target.baseAddress, count: count), at: 0)
      initialized = count
    }
  }

  mutating func flipBit(_ bit: Int) {
    let (index, offset) = Self.split(bit / 8)
    grow(to: index)
    fill(index)
    pages[index][offset] ^= 1 << UInt8(bit % 8)
  }

  /// The pages that hold something.
  var filledPages: [Int] { pages.indices.filter { !pages[$0].isEmpty } }

  private mutating func grow(to index: Int) {
    while pages.count <= index { pages.append([]) }
  }

  private mutating func fill(_ index: Int) {
    if pages[index].isEmpty { pages[index] = [UInt8](repeating: 0, count: Self.pageBytes) }
  }

  private static func split(_ position: Int) -> (index: Int, offset: Int) {
    (position / pageBytes, position % pageBytes)
  }

  static func pages(of range: Range<Int>) -> Range<Int> { units(of: range, pageBytes) }

  static func sectors(of range: Range<Int>) -> Range<Int> { units(of: range, sectorBytes) }

  private static func units(of range: Range<Int>, _ bytes: Int) -> Range<Int> {
    if range.isEmpty { return 0..<0 }
    return (range.lowerBound / bytes)..<((range.upperBound - 1) / bytes + 1)
  }
}
