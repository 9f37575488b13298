import LinuxIO

extension SimulatedFileIO: RingIO {
  /// Not counted; fails only where the plan has a `ringError`.
  package func makeRing(depth: Int) throws(SystemCallError) -> SimulatedRing {
    let seed = try disk.state.withLock { state throws(SystemCallError) -> UInt64 in
      if let error = state.plan.ringError { throw SystemCallError(.ioUringSetup, error, path: "") }
      state.ringCount += 1
      return state.options.ringSeed &+ state.ringCount &* 0x9E37_79B9_7F4A_7C15
    }
    return SimulatedRing(disk, depth: depth, seed: seed)
  }
}

/// A ring on a simulated disk. What is submitted runs sooner or later, in any order that links
/// allow, through the same calls that a file has without a ring, with the same faults; and its
/// completion can be taken sooner or later after that, in any order. The seed decides.
///
/// As in the kernel, a file stays for the operations that are under way on it, and for its slot,
/// whoever closes it. What has not run when the ring goes does not run any more.
package final class SimulatedRing: SubmissionRing {
  package let depth: Int
  private let disk: SimulatedDisk
  private var random: SeededGenerator
  /// So few that files without one are common.
  private var slots = [DiskState.OpenFile?](repeating: nil, count: 4)
  /// Addresses.
  private var registeredMemory: Range<UInt>?
  private var queued: [Operation] = []
  /// Submitted, and not run; never empty ones. Of each the first operation is the next to run.
  private var chains: [ArraySlice<Operation>] = []
  /// Ran, and not to be seen yet.
  private var ended: [RingCompletion] = []
  /// To be taken.
  private var shown: [RingCompletion] = []

  private enum Work {
    case write(UnsafeRawBufferPointer, position: Int64, isRegistered: Bool)
    case synchronizeData
  }

  private struct Operation {
    let file: RingFile
    let work: Work
    let link: Bool
    let tag: UInt64
    /// Held from the submission to the end; nil where the number or the slot was dead.
    var open: DiskState.OpenFile?
  }

  init(_ disk: SimulatedDisk, depth: Int, seed: UInt64) {
    self.disk = disk
    self.depth = max(1, depth)
    random = SeededGenerator(seed: seed)
  }

  deinit {
    let held = slots + chains.joined().map(\.open)
    disk.state.withLock { state in
      for case let open? in held { state.release(open) }
    }
  }

  package func register(_ file: FileNumber) -> RingFile {
    guard let slot = slots.firstIndex(where: { $0 == nil }),
      let open = disk.state.withLock({ $0.hold(file) })
    else { return RingFile(number: file, slot: nil) }
    slots[slot] = open
    return RingFile(number: file, slot: slot)
  }

  package func unregister(_ file: RingFile) {
    guard let slot = file.slot, let open = slots[slot] else { return }
    slots[slot] = nil
    disk.state.withLock { $0.release(open) }
  }

  /// Once, as the kernel.
  package func registerMemory(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
    if registeredMemory != nil { return false }
    registeredMemory = Self.addresses(UnsafeRawBufferPointer(memory))
    return true
  }

  package func write(
    _ file: RingFile, _ bytes: UnsafeRawBufferPointer, at position: Int64, isRegistered: Bool,
    link: Bool, tag: UInt64
  ) -> Bool {
    enqueue(
      Operation(
        file: file, work: .write(bytes, position: position, isRegistered: isRegistered),
        link: link, tag: tag))
  }

  package func synchronizeData(_ file: RingFile, link: Bool, tag: UInt64) -> Bool {
    enqueue(Operation(file: file, work: .synchronizeData, link: link, tag: tag))
  }

  private func enqueue(_ operation: Operation) -> Bool {
    if queued.count == depth { return false }
    queued.append(operation)
    return true
  }

  /// A wait for more than is under way ends when all has ended, and is counted
  /// (`SimulatedDisk.endlessWaitCount`).
  package func submit(waitingFor count: Int) throws(SystemCallError) {
    begin()
    advance()
    while shown.count < count && !(chains.isEmpty && ended.isEmpty) {
      if ended.isEmpty || !chains.isEmpty && random.chance(0.5) { runOne() } else { showOne() }
    }
    if shown.count < count { disk.state.withLock { $0.endlessWaitCount += 1 } }
  }

  package func next() -> RingCompletion? {
    advance()
    if shown.isEmpty { return nil }
    shown.swapAt(random.below(shown.count), shown.count - 1)
    return shown.removeLast()
  }

  /// What is queued is under way. A chain ends with the submission at the latest.
  private func begin() {
    if queued.isEmpty { return }
    disk.state.withLock { state in
      for index in queued.indices {
        let file = queued[index].file
        if let slot = file.slot {
          queued[index].open = slots[slot]
          if let open = slots[slot] { state.hold(open) }
        } else {
          queued[index].open = state.hold(file.number)
        }
      }
    }
    for chain in queued.split(afterEach: { !$0.link }) { chains.append(chain) }
    queued.removeAll(keepingCapacity: true)
  }

  /// Time passes: a share of what is under way runs, and of that which ran some is to be seen.
  private func advance() {
    if chains.isEmpty && ended.isEmpty { return }
    let haste = random.fraction()
    while !chains.isEmpty && random.chance(haste) { runOne() }
    while !ended.isEmpty && random.chance(haste) { showOne() }
  }

  private func showOne() {
    ended.swapAt(random.below(ended.count), ended.count - 1)
    shown.append(ended.removeLast())
  }

  /// The next operation of any chain; where it does not end in full, the rest is cancelled.
  private func runOne() {
    let index = random.below(chains.count)
    let operation = chains[index].removeFirst()
    let (result, isWhole) = run(operation)
    end(operation, result)
    if !isWhole {
      for broken in chains[index] { end(broken, .failure(.cancelled)) }
      chains[index] = []
    }
    if chains[index].isEmpty {
      chains.swapAt(index, chains.count - 1)
      chains.removeLast()
    }
  }

  private func run(_ operation: Operation) -> (Result<Int, ErrorNumber>, isWhole: Bool) {
    guard let open = operation.open else { return (.failure(.badFileDescriptor), false) }
    do throws(SystemCallError) {
      switch operation.work {
      case .write(let bytes, let position, let isRegistered):
        if isRegistered && !isInRegisteredMemory(bytes) { return (.failure(.badAddress), false) }
        let count = try disk.state.withLock { state throws(SystemCallError) in
          try state.write(open, bytes, at: position)
        }
        return (.success(count), count == bytes.count)
      case .synchronizeData:
        try disk.state.withLock { state throws(SystemCallError) in
          try state.synchronizeData(open)
        }
        return (.success(0), true)
      }
    } catch {
      return (.failure(error.number), false)
    }
  }

  private func end(_ operation: Operation, _ result: Result<Int, ErrorNumber>) {
    ended.append(RingCompletion(tag: operation.tag, result: result))
    if let open = operation.open { disk.state.withLock { $0.release(open) } }
  }

  private func isInRegisteredMemory(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let addresses = Self.addresses(bytes)
    guard let memory = registeredMemory else { return false }
    return addresses.lowerBound >= memory.lowerBound && addresses.upperBound <= memory.upperBound
  }

  private static func addresses(_ bytes: UnsafeRawBufferPointer) -> Range<UInt> {
    let start = UInt(bitPattern: bytes.baseAddress)
    return start..<(start + UInt(bytes.count))
  }
}

extension Array {
  /// Parts that end with an element that `isLast`, and what is left after the last such.
  fileprivate func split(afterEach isLast: (Element) -> Bool) -> [ArraySlice<Element>] {
    var parts: [ArraySlice<Element>] = []
    var start = startIndex
    for index in indices where isLast(self[index]) || index == endIndex - 1 {
      parts.append(self[start...index])
      start = index + 1
    }
    return parts
  }
}
