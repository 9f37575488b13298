import LinuxIO
import LogStorage

/// `pread(2)` into a buffer and `send(2)` from it: two copies, and no other condition on the file,
/// the channel or the kernel. What the channel does not take at once stays in the buffer, as long as
/// the thread's connections do not keep too much together; else it is read again.
package final class CopyPath: TransferPath {
  package static let capabilities = TransferCapabilities(
    "copy", .readAndSend, lendsPages: false, needs: .anyChannel)

  private let resources: TransferResources
  /// What has been read and not sent.
  private var held: ReadAhead?

  package init(_ resources: TransferResources) { self.resources = resources }

  deinit { abandon() }

  package func send(
    _ part: FilePart, to channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    if held?.continues(part) != true {
      abandon()
      held = try read(part)
    }
    guard let held else { return nil }
    let taken = try held.send(part.count, channel, more: more)
    if let taken { held.sent += taken }
    if held.remaining == 0 || !keep(held) { abandon() }
    return taken
  }

  package func abandon() {
    if let held {
      if held.isKept { resources.keptBytes -= held.byteCount }
      if let buffer = held.buffer.take() { resources.buffers.push(buffer) }
    }
    held = nil
  }

  /// False where the thread's connections keep too much already.
  private func keep(_ held: ReadAhead) -> Bool {
    if held.isKept { return true }
    guard resources.keptBytes + held.byteCount <= TransferResources.keptBytesMax else {
      return false
    }
    resources.keptBytes += held.byteCount
    held.isKept = true
    return true
  }

  /// Little where it could not be kept: it may be read for nothing.
  private var readBytesMax: Int {
    TransferResources.keptBytesMax - resources.keptBytes < 1 << 20 ? 128 << 10 : .max
  }

  private func read(_ part: FilePart) throws(TransferError) -> ReadAhead {
    var buffer = resources.buffers.pop() ?? AlignedBuffer(capacity: part.count)
    buffer.clear()
    buffer.resize(to: min(part.count, readBytesMax))
    let file = part.slice.file
    do throws(SystemCallError) {
      let count = try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
        try file.io.readFully(
          file.number, into: &bytes, at: part.range.lowerBound, path: file.path)
      }
      buffer.truncate(to: count)
    } catch {
      resources.buffers.push(buffer)
      throw .read(.readFailed(error))
    }
    if buffer.count == 0 {
      resources.buffers.push(buffer)
      throw .read(.unexpectedEnd(path: file.path, position: part.range.lowerBound))
    }
    return ReadAhead(SlicePlace(part), buffer)
  }
}

/// A buffer of the file's bytes, some of them sent.
private final class ReadAhead {
  let place: SlicePlace
  /// Of the buffer, whatever it holds.
  let byteCount: Int
  var buffer: AlignedBuffer?
  var sent = 0
  /// True while it counts as kept.
  var isKept = false

  init(_ place: SlicePlace, _ buffer: consuming AlignedBuffer) {
    self.place = place
    byteCount = buffer.capacity
    self.buffer = .some(buffer)
  }

  var remaining: Int { (buffer?.count ?? 0) - sent }

  func continues(_ part: FilePart) -> Bool { place.advanced(by: sent) == SlicePlace(part) }

  func send(
    _ count: Int, _ channel: any ByteChannel, more: Bool
  ) throws(TransferError) -> Int? {
    let end = sent + min(count, remaining)
    // A smaller part than was read: the rest follows.
    let more = more || end < sent + remaining
    do throws(SystemCallError) {
      return try buffer?.withBytes { (bytes) throws(SystemCallError) in
        try channel.send(bytes.extracting(sent..<end), more: more)
      } ?? nil
    } catch { throw .connection(error) }
  }
}
