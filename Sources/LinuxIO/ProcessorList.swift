/// Processors by the kernel's numbers, spelled as the kernel does: `0-1,3`.
package struct ProcessorList: Hashable, Sendable {
  /// Linux knows no more processors than this on any architecture.
  package static let countMax = 8192
  /// More text than this is no list.
  private static let textBytesMax = 4096

  /// Ascending, each once.
  package let numbers: [Int]

  /// Numbers below 0 and from `countMax` on are left out.
  package init(_ numbers: some Sequence<Int>) {
    self.numbers = Set(numbers).filter { (0..<Self.countMax).contains($0) }.sorted()
  }

  /// Nil of what is not numbers below `countMax` and ranges of them, ascending within a range,
  /// separated by commas; nil of none.
  package init?(parsing text: Substring) {
    guard text.utf8.count <= Self.textBytesMax else { return nil }
    var seen = [Bool](repeating: false, count: Self.countMax)
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      guard let first = ends.first.flatMap(Self.number), let last = ends.last.flatMap(Self.number),
        first <= last
      else { return nil }
      for number in first...last { seen[number] = true }
    }
    numbers = seen.indices.filter { seen[$0] }
  }

  package var isEmpty: Bool { numbers.isEmpty }

  package func intersection(_ other: ProcessorList) -> ProcessorList {
    ProcessorList(Set(numbers).intersection(other.numbers))
  }

  package func subtracting(_ other: ProcessorList) -> ProcessorList {
    ProcessorList(Set(numbers).subtracting(other.numbers))
  }

  /// Digits only, and below `countMax`.
  static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }),
      let number = Int(text), number < countMax
    else { return nil }
    return number
  }
}

/// The kernel's masks: a bit for each processor, 64 in a word.
extension ProcessorList {
  static let wordCount = countMax / 64

  init(words: [UInt64]) {
    self.init(
      (0..<min(words.count * 64, Self.countMax)).filter { words[$0 / 64] >> ($0 % 64) & 1 == 1 })
  }

  var words: [UInt64] {
    var words = [UInt64](repeating: 0, count: Self.wordCount)
    for number in numbers { words[number / 64] |= 1 << (number % 64) }
    return words
  }
}

extension ProcessorList: CustomStringConvertible {
  package var description: String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }
}
