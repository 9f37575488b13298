/// A record's place in its partition's log: 0, 1, 2, … in append order.
package struct Offset: Hashable, Comparable, Sendable {
  package let rawValue: Int64
  package init(_ rawValue: Int64) { self.rawValue = rawValue }

  package static let zero = Offset(0)

  package static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

  /// The offset `count` records further on. Wraps rather than traps: offsets read from a file are
  /// outside data, and are checked before they are believed.
  package func advanced(by count: Int64) -> Offset { Offset(rawValue &+ count) }

  /// How many offsets lie from `other` up to this one.
  package func distance(from other: Offset) -> Int64 { rawValue &- other.rawValue }
}

extension Offset: CustomStringConvertible {
  package var description: String { String(rawValue) }
}

/// A byte's place in one segment file. Not an offset: that counts records.
package struct FilePosition: Hashable, Comparable, Sendable {
  package let rawValue: Int64
  package init(_ rawValue: Int64) { self.rawValue = rawValue }

  package static let zero = FilePosition(0)

  package static func < (left: FilePosition, right: FilePosition) -> Bool {
    left.rawValue < right.rawValue
  }

  package func advanced(by count: Int) -> FilePosition { FilePosition(rawValue + Int64(count)) }
}

extension FilePosition: CustomStringConvertible {
  package var description: String { String(rawValue) }
}

/// One partition of one topic; its directory is `<topic>-<partition>`.
package struct TopicPartition: Hashable, Sendable {
  package let topic: String
  package let partition: Int32

  package init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  package var directoryName: String { "\(topic)-\(partition)" }
}

extension TopicPartition: CustomStringConvertible {
  package var description: String { directoryName }
}
