import LinuxIO

extension SimulatedFileIO: RingIO {
  package func makeRing(depth: Int) throws(SystemCallError) -> SimulatedRing {
    let seed = try disk.state.withLock { state throws(SystemCallError) -> UInt64 in
      if let error = state.plan.ringError { throw SystemCallError(.ioUringSetup, error, path: "") }
      state.ringCount += 1
      return state.options.ringSeed &+ state.ringCount &* 0x9E37_79B9_7F4A_7C15
    }
    return SimulatedRing(self, depth: depth, seed: seed)
  }
}

/// A ring on a simulated disk. What is submitted runs sooner or later, in any order that links
/// allow, through the same calls that a file has without a ring, with the same faults; and its
/// completion can be taken sooner or later after that, in any order. The seed decides.
package final class SimulatedRing: SubmissionRing {
  package let depth: Int
  private let io: SimulatedFileIO
  private var random: SeededGenerator
  private var freeSlots = [3, 2, 1, 0]
  private var queued: [Operation] = []
  /// Submitted chains; of each the first operation is the next to run.
  private var chains: [[Operation]] = []
  /// Ran, and not taken yet.
  private var completions: [RingCompletion] = []

  private enum Work {
    case write(UnsafeRawBufferPointer, position: Int64)
    case synchronizeData
  }

  private struct Operation {
    let file: FileNumber
    let work: Work
    let link: Bool
    let tag: UInt64
  }

  init(_ io: SimulatedFileIO, depth: Int, seed: UInt64) {
    self.io = io
    self.depth = max(1, depth)
    random = SeededGenerator(seed: seed)
  }

  /// So few slots that files without one are common.
  package func register(_ file: FileNumber) -> RingFile {
    RingFile(number: file, slot: freeSlots.popLast())
  }

  package func unregister(_ file: RingFile) {
    if let slot = file.slot { freeSlots.append(slot) }
  }

  package func registerMemory(_ memory: UnsafeMutableRawBufferPointer) -> Bool { true }

  package func write(
    _ file: RingFile, _ bytes: UnsafeRawBufferPointer, at position: Int64, isRegistered: Bool,
    link: Bool, tag: UInt64
  ) -> Bool {
    enqueue(
      Operation(
        file: file.number, work: .write(bytes, position: position), link: link, tag: tag))
  }

  package func synchronizeData(_ file: RingFile, link: Bool, tag: UInt64) -> Bool {
    enqueue(Operation(file: file.number, work: .synchronizeData, link: link, tag: tag))
  }

  private func enqueue(_ operation: Operation) -> Bool {
    if queued.count == depth { return false }
    queued.append(operation)
    return true
  }

  package func submit(waitingFor count: Int) throws(SystemCallError) {
    var chain: [Operation] = []
    for operation in queued {
      chain.append(operation)
      if !operation.link {
        chains.append(chain)
        chain = []
      }
    }
    if !chain.isEmpty { chains.append(chain) }
    queued.removeAll(keepingCapacity: true)
    runSome()
    while completions.count < count && !chains.isEmpty { runOne() }
  }

  /// Now and then something else runs first, and the completion is any of those there are.
  package func next() -> RingCompletion? {
    if completions.isEmpty { return nil }
    if !chains.isEmpty && random.chance(0.2) { runOne() }
    return completions.remove(at: random.below(completions.count))
  }

  private func runSome() {
    for _ in 0..<random.below(chains.count + 1) where !chains.isEmpty { runOne() }
  }

  private func runOne() {
    let index = random.below(chains.count)
    let operation = chains[index].removeFirst()
    let (result, isWhole) = run(operation)
    completions.append(RingCompletion(tag: operation.tag, result: result))
    if !isWhole {
      for broken in chains[index] {
        completions.append(RingCompletion(tag: broken.tag, result: .failure(.cancelled)))
      }
      chains[index] = []
    }
    if chains[index].isEmpty { chains.remove(at: index) }
  }

  private func run(_ operation: Operation) -> (Result<Int, ErrorNumber>, isWhole: Bool) {
    do throws(SystemCallError) {
      switch operation.work {
      case .write(let bytes, let position):
        let span = RawSpan(_unsafeBytes: bytes)
        let count = try io.write(operation.file, span, at: position)
        return (.success(count), count == bytes.count)
      case .synchronizeData:
        try io.synchronizeData(operation.file)
        return (.success(0), true)
      }
    } catch {
      return (.failure(error.number), false)
    }
  }
}
