/// Buffers that nobody uses at the moment, kept to be used again. Belongs to one thread.
///
/// A class with a box for each, because an array cannot hold noncopyable values; the boxes stay, so
/// that pushing allocates only when the stack is higher than ever.
package final class BufferStack {
  private final class Box { var buffer: AlignedBuffer? }

  private var boxes: [Box] = []
  package private(set) var count = 0
  /// The fewest that there were since the last `trim`.
  private var least = 0

  package init() {}

  package func push(_ buffer: consuming AlignedBuffer) {
    if count == boxes.count { boxes.append(Box()) }
    boxes[count].buffer = consume buffer
    count += 1
  }

  /// The last one pushed.
  package func pop() -> AlignedBuffer? {
    if count == 0 { return nil }
    count -= 1
    least = min(least, count)
    return boxes[count].buffer.take()
  }

  /// Drops those that nobody has needed since the last call; how many, and their bytes.
  @discardableResult
  package func trim() -> (count: Int, bytes: Int) {
    let dropped = least
    var bytes = 0
    for _ in 0..<dropped {
      count -= 1
      bytes += boxes[count].buffer.take()?.capacity ?? 0
    }
    if count == 0 { boxes = [] }
    least = count
    return (dropped, bytes)
  }
}
