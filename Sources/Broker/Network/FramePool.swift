import LinuxIO

/// Buffers that requests are received into, of one loop, kept by size to be used again: memory that
/// was touched before costs no page fault.
final class FramePool {
  /// A batch's usual sizes, and what is around it.
  private static let sizes = [16 << 10, 80 << 10, 320 << 10, 1280 << 10, 5 << 20]
  private static let keptBytesMax = 16 << 20

  private let stacks = sizes.map { _ in BufferStack() }
  private var keptBytes = 0

  /// An empty buffer that takes so many bytes.
  func take(capacity: Int) -> AlignedBuffer {
    guard let index = Self.sizes.firstIndex(where: { $0 >= capacity }) else {
      return AlignedBuffer(capacity: capacity)
    }
    guard var buffer = stacks[index].pop() else {
      return AlignedBuffer(capacity: Self.sizes[index])
    }
    keptBytes -= Self.sizes[index]
    buffer.clear()
    return buffer
  }

  /// Drops those that no request has needed since the last call; their bytes.
  func trim() -> Int {
    var freed = 0
    for (stack, size) in zip(stacks, Self.sizes) {
      let dropped = stack.trim()
      keptBytes -= dropped.count * size
      freed += dropped.bytes
    }
    assert(keptBytes >= 0, "kept bytes are counted")
    return freed
  }

  /// Nobody has the buffer's bytes any more.
  func giveBack(_ buffer: consuming AlignedBuffer) {
    let capacity = buffer.capacity - 3 * AlignedBuffer.alignment
    guard let index = Self.sizes.firstIndex(of: capacity),
      keptBytes + Self.sizes[index] <= Self.keptBytesMax
    else { return }
    keptBytes += Self.sizes[index]
    stacks[index].push(buffer)
  }
}
