import Records

/// File names of a partition's directory, as Kafka writes them: the base offset in 20 digits.
package enum SegmentNames {
  package static func log(_ base: Offset) -> String { digits(base) + ".log" }
  package static func offsetIndex(_ base: Offset) -> String { digits(base) + ".index" }
  package static func timeIndex(_ base: Offset) -> String { digits(base) + ".timeindex" }

  /// What is known of producers, for the batches below `next`.
  package static func producers(_ next: Offset) -> String { digits(next) + producersSuffix }
  package static let producersSuffix = ".producers"

  /// The base offset in `name`, where it is a segment's file with this suffix.
  package static func baseOffset(of name: String, suffix: String) -> Offset? {
    guard name.hasSuffix(suffix) else { return nil }
    let digits = name.dropLast(suffix.count)
    guard digits.utf8.count == 20, digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let value = Int64(digits)
    else { return nil }
    return Offset(value)
  }

  private static func digits(_ base: Offset) -> String {
    let number = String(base.rawValue)
    return String(repeating: "0", count: max(0, 20 - number.utf8.count)) + number
  }
}
