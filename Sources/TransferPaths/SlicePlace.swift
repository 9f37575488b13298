import LogStorage

/// A place in a segment's file as one slice sees it: what a path has read ahead belongs to the part
/// that begins at an equal place, and to no other.
struct SlicePlace: Equatable {
  // Holds the file: another one cannot come to live at its address.
  private let file: ReadableFile
  private let version: UInt64
  private var position: Int64

  init(_ part: FilePart) {
    file = part.slice.file
    version = part.slice.version
    position = part.range.lowerBound
  }

  func advanced(by count: Int) -> SlicePlace {
    var place = self
    place.position += Int64(count)
    return place
  }

  static func == (one: SlicePlace, other: SlicePlace) -> Bool {
    one.file === other.file && one.version == other.version && one.position == other.position
  }
}
