import Glibc
import LinuxIO

// The calls on open files.
extension DiskState {
  mutating func close(_ number: FileNumber) throws(SystemCallError) {
    let open = try openFile(number, .close)
    let fault = try begin(.close, open.path)
    openFiles[number.rawValue] = nil
    release(open)
    if let fault { throw fault }
  }

  /// Keeps the file as an open descriptor would, until `release`; nil where the number is dead.
  mutating func hold(_ number: FileNumber) -> OpenFile? {
    guard let open = openFiles[number.rawValue] else { return nil }
    hold(open)
    return open
  }

  mutating func hold(_ open: OpenFile) {
    if case .file(let file) = open.node { files[file]?.openCount += 1 }
  }

  mutating func release(_ open: OpenFile) {
    guard case .file(let file) = open.node else { return }
    files[file]?.openCount -= 1
    releaseSpace(of: file)
  }

  mutating func read(
    _ number: FileNumber, into bytes: UnsafeMutableRawBufferPointer, at position: Int64
  ) throws(SystemCallError) -> Int {
    let open = try openFile(number, .read)
    let fault = try begin(.read, open.path, at: position, count: bytes.count)
    guard position >= 0 else { throw Self.invalid(.read) }
    let file = try fileNumber(open, .read, ErrorNumber(rawValue: EISDIR))
    if let fault { throw fault }
    guard
      var count = files[file]?.readableCount(at: Int(position), bytes.count), count > 0
    else { return 0 }
    if open.opening.direct {
      try checkAlignment(bytes.baseAddress, bytes.count, position, .read)
    }
    if faults.chance(plan.shortReadProbability) { count = shortened(count, open) }
    files[file]?.cache.read(
      into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), at: Int(position))
    counts.bytesRead += count
    pathCounts[open.path].bytesRead += count
    return count
  }

  mutating func write(
    _ number: FileNumber, _ bytes: UnsafeRawBufferPointer, at position: Int64
  ) throws(SystemCallError) -> Int {
    try write(openFile(number, .write), bytes, at: position)
  }

  /// A call on a file that is held open, if only by a ring.
  mutating func write(
    _ open: OpenFile, _ bytes: UnsafeRawBufferPointer, at position: Int64
  ) throws(SystemCallError) -> Int {
    let fault = try begin(.write, open.path, at: position, count: bytes.count)
    guard position >= 0, position <= Int64.max - Int64(bytes.count) else {
      throw Self.invalid(.write)
    }
    guard open.opening.access == .readWrite else {
      throw SystemCallError(.pwrite, .badFileDescriptor, path: "")
    }
    let file = try fileNumber(open, .write, .badFileDescriptor)
    let isDirect = open.opening.direct
    if isDirect { try checkAlignment(bytes.baseAddress, bytes.count, position, .write) }
    if let fault {
      if isDirect { writeSomeSectors(file, bytes, at: Int(position)) }
      throw fault
    }
    if bytes.isEmpty { return 0 }
    var count = min(bytes.count, plan.fileSizeMax - min(Int(position), plan.fileSizeMax))
    if count == 0 { throw SystemCallError(.pwrite, .fileTooLarge, path: "") }
    count = roomFor(file, Int(position), count)
    if count == 0 { throw noSpace(.write) }
    if faults.chance(plan.shortWriteProbability) { count = shortened(count, open) }
    store(file, UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: Int(position), isDirect)
    counts.bytesWritten += count
    pathCounts[open.path].bytesWritten += count
    return count
  }

  mutating func synchronizeData(_ number: FileNumber) throws(SystemCallError) {
    try synchronizeData(openFile(number, .synchronizeData))
  }

  /// A call on a file that is held open, if only by a ring.
  mutating func synchronizeData(_ open: OpenFile) throws(SystemCallError) {
    let fault = try begin(.synchronizeData, open.path)
    switch open.node {
    case .directory(let directory):
      if let fault { throw fault }
      names.synchronize(directory)
    case .file(let file):
      if let fault {
        files[file]?.failSynchronization()
        throw fault
      }
      files[file]?.synchronize()
    }
  }

  mutating func allocate(
    _ number: FileNumber, at position: Int64, count: Int64, keepingSize: Bool
  ) throws(SystemCallError) {
    let open = try openFile(number, .allocate)
    let fault = try begin(.allocate, open.path, at: position, count: Int(count))
    guard position >= 0, count > 0 else { throw Self.invalid(.allocate) }
    guard open.opening.access == .readWrite else {
      throw SystemCallError(.fallocate, .badFileDescriptor, path: "")
    }
    let file = try fileNumber(open, .allocate, .badFileDescriptor)
    let (end, overflows) = position.addingReportingOverflow(count)
    guard !overflows, end <= Int64(plan.fileSizeMax) else {
      throw SystemCallError(.fallocate, .fileTooLarge, path: "")
    }
    if let fault { throw fault }
    let pages = PageTable.pages(of: Int(position)..<Int(end))
    guard let found = files[file] else { return }
    guard found.space.missing(in: pages) <= freePages else {
      throw noSpace(.allocate)
    }
    usedPages += files[file]?.reserve(pages) ?? 0
    if !keepingSize && Int(end) > found.size { _ = files[file]?.resize(to: Int(end)) }
  }

  mutating func truncate(_ number: FileNumber, to size: Int64) throws(SystemCallError) {
    let open = try openFile(number, .truncate)
    let fault = try begin(.truncate, open.path, at: size)
    guard size >= 0, open.opening.access == .readWrite else { throw Self.invalid(.truncate) }
    let file = try fileNumber(open, .truncate, .invalidArgument)
    guard size <= Int64(plan.fileSizeMax) else {
      throw SystemCallError(.ftruncate, .fileTooLarge, path: "")
    }
    if let fault { throw fault }
    usedPages += files[file]?.resize(to: Int(size)) ?? 0
  }

  mutating func size(_ number: FileNumber) throws(SystemCallError) -> Int64 {
    let open = try openFile(number, .size)
    if let fault = try begin(.size, open.path) { throw fault }
    return sizeOf(open.node)
  }

  mutating func lockExclusively(_ number: FileNumber) throws(SystemCallError) {
    let open = try openFile(number, .lock)
    if let fault = try begin(.lock, open.path) { throw fault }
    if open.holdsLock { return }
    if isTaken(open.node) { throw SystemCallError(.flock, .wouldBlock, path: "") }
    openFiles[number.rawValue]?.holdsLock = true
  }

  mutating func isLocked(_ number: FileNumber) throws(SystemCallError) -> Bool {
    let open = try openFile(number, .lock)
    if let fault = try begin(.lock, open.path) { throw fault }
    return !open.holdsLock && isTaken(open.node)
  }

  private func isTaken(_ node: Namespace.Node) -> Bool {
    openFiles.values.contains { $0.holdsLock && $0.node == node }
  }

  func sizeOf(_ node: Namespace.Node) -> Int64 {
    switch node {
    case .directory: Int64(PageTable.pageBytes)
    case .file(let file): Int64(files[file]?.size ?? 0)
    }
  }

  var freePages: Int {
    guard let capacity = plan.capacityBytes else { return Int.max }
    return max(0, capacity / PageTable.pageBytes - usedPages)
  }

  private mutating func noSpace(_ operation: DiskOperation) -> SystemCallError {
    faultCount += 1
    return SystemCallError(operation.systemCall, .noSpace, path: "")
  }

  /// How many of `count` bytes have space, or can get it.
  private func roomFor(_ file: Int, _ position: Int, _ count: Int) -> Int {
    guard plan.capacityBytes != nil, let found = files[file] else { return count }
    var free = freePages
    let pages = PageTable.pages(of: position..<(position + count))
    if found.space.missing(in: pages) <= free { return count }
    for page in pages {
      free -= found.space.missing(in: page..<(page + 1))
      if free < 0 { return max(0, page * PageTable.pageBytes - position) }
    }
    return count
  }

  mutating func store(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, at position: Int, _ isDirect: Bool
  ) {
    let pages = PageTable.pages(of: position..<(position + bytes.count))
    usedPages += files[file]?.reserve(pages) ?? 0
    files[file]?.write(bytes, at: position, isDirect: isDirect)
  }

  /// A direct write that failed may have reached the device in part, inside the file as it was.
  private mutating func writeSomeSectors(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, at position: Int
  ) {
    let end = min(position + bytes.count, files[file]?.size ?? 0)
    for start in stride(from: position, to: end, by: PageTable.sectorBytes)
    where faults.chance(0.5) {
      let from = start - position
      let count = min(PageTable.sectorBytes, end - start)
      let sector = UnsafeRawBufferPointer(rebasing: bytes[from..<(from + count)])
      store(file, sector, at: start, true)
    }
  }

  /// Fewer, but at least one byte; whole blocks of a direct transfer, as a device gives.
  private mutating func shortened(_ count: Int, _ open: OpenFile) -> Int {
    let unit = open.opening.direct ? options.directAlignment?.offset ?? 1 : 1
    let units = (count + unit - 1) / unit
    return units < 2 ? count : (1 + faults.below(units - 1)) * unit
  }

  private func checkAlignment(
    _ address: UnsafeRawPointer?, _ count: Int, _ position: Int64, _ operation: DiskOperation
  ) throws(SystemCallError) {
    guard let alignment = options.directAlignment else { throw Self.invalid(operation) }
    let isAligned =
      Int(position) % alignment.offset == 0 && count % alignment.offset == 0
      && Int(bitPattern: address) % alignment.memory == 0
    if !isAligned { throw Self.invalid(operation) }
  }

  private func fileNumber(
    _ open: OpenFile, _ operation: DiskOperation, _ otherwise: ErrorNumber
  ) throws(SystemCallError) -> Int {
    if case .file(let file) = open.node { return file }
    throw SystemCallError(operation.systemCall, otherwise, path: "")
  }

  private static func invalid(_ operation: DiskOperation) -> SystemCallError {
    SystemCallError(operation.systemCall, .invalidArgument, path: "")
  }
}
