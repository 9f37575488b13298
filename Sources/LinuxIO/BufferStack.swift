/// Buffers that nobody uses at the moment, kept to be used again. Belongs to one thread.
///
/// A class with a box for each, because an array cannot hold noncopyable values; the boxes stay, so
/// that pushing allocates only when the stack is higher than ever.
package final class BufferStack {
  private final class Box { var buffer: AlignedBuffer? }

  private var boxes: [Box] = []
  package private(set) var count = 0

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
    return boxes[count].buffer.take()
  }
}
