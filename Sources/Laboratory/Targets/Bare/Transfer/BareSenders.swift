import LinuxIO

/// What a bare sender has to do, and how far it is.
struct BareWork {
  let file: PlainFile
  let socket: SocketHandle
  let callBytes: Int
  let total: Int64
  private(set) var sent: Int64 = 0
  private(set) var position: Int64 = 0

  init(file: PlainFile, socket: SocketHandle, callBytes: Int, total: Int64) {
    self.file = file
    self.socket = socket
    self.callBytes = callBytes
    self.total = total
  }

  var isDone: Bool { sent >= total }

  /// Bytes of the next call: never past the file's end, where it begins anew.
  var nextCount: Int {
    Int(min(Int64(callBytes), min(total - sent, file.byteCount - position)))
  }

  mutating func advance(by count: Int) {
    sent += Int64(count)
    position += Int64(count)
    if position == file.byteCount { position = 0 }
  }

  var kernelFile: KernelFile {
    get throws {
      guard let file = file.kernelFile else { throw TrialSkipped("not a file of the kernel's") }
      return file
    }
  }
}

/// `pread(2)` into a buffer, `send(2)` until it is empty.
final class BareReadAndSend: ByteSender {
  private var work: BareWork
  private var buffer: AlignedBuffer
  private var unsent = 0..<0

  init(_ work: BareWork) {
    self.work = work
    buffer = AlignedBuffer(capacity: work.callBytes)
  }

  func step() throws -> SendStep {
    if unsent.isEmpty {
      if work.isDone { return .done }
      buffer.clear()
      buffer.resize(to: work.nextCount)
      let position = work.position
      let file = work.file
      let count = try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
        try file.read(into: &bytes, at: position)
      }
      unsent = 0..<count
    }
    let range = unsent
    let socket = work.socket
    let taken = try buffer.withBytes { (bytes) throws(SystemCallError) in
      try socket.send(bytes.extracting(range), more: false)
    }
    guard let taken else { return .blocked }
    unsent = (range.lowerBound + taken)..<range.upperBound
    work.advance(by: taken)
    return .moved(taken)
  }
}

/// `sendfile(2)`.
final class BareSendfile: ByteSender {
  private var work: BareWork

  init(_ work: BareWork) { self.work = work }

  func step() throws -> SendStep {
    if work.isDone { return .done }
    guard
      let taken = try work.socket.sendFile(
        work.kernelFile, at: work.position, count: work.nextCount)
    else { return .blocked }
    work.advance(by: taken)
    return .moved(taken)
  }
}

/// `splice(2)` into a pipe and out of it.
final class BareSplice: ByteSender {
  private var work: BareWork
  private let pipe: PipePair

  init(_ work: BareWork) throws {
    self.work = work
    pipe = try PipePair()
  }

  func step() throws -> SendStep {
    if pipe.heldBytes == 0 {
      if work.isDone { return .done }
      _ = try pipe.fill(from: work.kernelFile, at: work.position, count: work.nextCount)
    }
    guard let taken = try pipe.empty(into: work.socket, count: pipe.heldBytes, more: false)
    else { return .blocked }
    work.advance(by: taken)
    return .moved(taken)
  }
}

/// `send(2)` from a mapping, with or without MSG_ZEROCOPY; mapped anew for each pass over the file.
final class BareMappedSend: ByteSender {
  private static let awaitedMax = 16

  private var work: BareWork
  private let isZeroCopy: Bool
  private var mapping: ReadMapping?
  private var sends: Int64 = 0
  private var completed: Int64 = 0
  private var copied: Int64 = 0

  init(_ work: BareWork, isZeroCopy: Bool) {
    self.work = work
    self.isZeroCopy = isZeroCopy
  }

  convenience init(zeroCopy work: BareWork) throws {
    try work.socket.allowZeroCopy()
    self.init(work, isZeroCopy: true)
  }

  func step() throws -> SendStep {
    if work.isDone { return .done }
    if work.position == 0 { mapping = nil }
    let mapping =
      try mapping ?? ReadMapping(work.kernelFile, at: 0, count: Int(work.file.byteCount))
    self.mapping = mapping
    if isZeroCopy && sends - completed >= Self.awaitedMax { try reap() }
    let range = work.position..<(work.position + Int64(work.nextCount))
    guard
      let taken = try work.socket.send(mapping, range, more: false, isZeroCopy: isZeroCopy)
    else { return .blocked }
    sends += 1
    work.advance(by: taken)
    return .moved(taken)
  }

  func finish() throws -> TransferZeroCopies? {
    if !isZeroCopy { return nil }
    try awaitNotices(work.socket, while: { completed < sends }) { try reap() }
    return TransferZeroCopies(sends: completed, copied: copied)
  }

  private func reap() throws {
    while let notice = try work.socket.reapZeroCopy() {
      completed += Int64(notice.count)
      if notice.wasCopied { copied += Int64(notice.count) }
    }
  }
}
