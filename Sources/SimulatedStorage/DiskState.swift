import LinuxIO

/// All that a simulated disk is, as one value: a power cut starts from a copy of it.
struct DiskState: Sendable {
  struct OpenFile: Sendable {
    /// A file, or a directory opened for reading.
    let node: Namespace.Node
    let path: Int
    let opening: FileOpening
    var holdsLock = false
  }

  let options: SimulatedDiskOptions
  var names = Namespace()
  var files: [SimulatedFile?] = []
  /// Files without a name that are still open, or that a power cut could bring back.
  var unlinked: [Int] = []
  var usedPages = 0
  var openFiles: [Int32: OpenFile] = [:]
  /// Numbers are not used again, so that use after close is always found out.
  var nextNumber: Int32 = 3

  var mappings: [Int: MappedFile] = [:]
  var lastMapping = 0
  var fatalStoreCount = 0
  /// How many rings were made, on this disk and on those that it was before power cuts.
  var ringCount: UInt64 = 0
  var endlessWaitCount = 0

  var plan = FaultPlan()
  var faults = SeededGenerator(seed: 0)
  var slowness = SeededGenerator(seed: 0)
  var scriptCalls: [Int] = []

  var operationCount = 0
  /// Calls that failed by the plan: an error of its, or no space.
  var faultCount = 0
  /// What all calls, and the waits between them, took.
  var elapsedNanoseconds: Int64 = 0
  var digest = HistoryDigest()
  var counts = DiskCounts()
  var pathNumbers: [String: Int] = [:]
  var paths: [String] = []
  var pathCounts: [DiskCounts] = []
  var openedPaths: [String] = []
  var trace: [DiskTraceEntry]?

  init(_ options: SimulatedDiskOptions) { self.options = options }

  mutating func set(_ plan: FaultPlan) {
    self.plan = plan
    faults = SeededGenerator(seed: plan.seed)
    slowness = SeededGenerator(seed: ~plan.seed)
    scriptCalls = [Int](repeating: 0, count: plan.scripts.count)
  }

  var isPowerOff: Bool { plan.powerCutAtOperation.map { operationCount >= $0 } ?? false }

  /// The number that stands for the path in the counters.
  mutating func number(of path: String) -> Int {
    if let number = pathNumbers[path] { return number }
    paths.append(path)
    pathCounts.append(DiskCounts())
    pathNumbers[path] = paths.count - 1
    return paths.count - 1
  }

  /// Counts and traces a call, and gives the error that the plan has for it, which the caller
  /// throws after doing what such a failure does. Throws itself where the power is off.
  mutating func begin(
    _ operation: DiskOperation, _ path: Int, at position: Int64 = 0, count: Int = 0
  ) throws(SystemCallError) -> SystemCallError? {
    operationCount += 1
    counts[operation] += 1
    passTime(of: operation)
    digest.add(operation, path: path, position, count)
    pathCounts[path][operation] += 1
    trace?.append(
      DiskTraceEntry(operation: operation, path: paths[path], position: position, count: count))
    if isPowerOff {
      throw SystemCallError(operation.systemCall, .inputOutput, path: "")
    }
    guard let number = plannedError(operation, path) else { return nil }
    faultCount += 1
    return SystemCallError(operation.systemCall, number, path: "")
  }

  /// Slow calls come from a generator of their own, so that they shift no other fault.
  private mutating func passTime(of operation: DiskOperation) {
    let isSlow = slowness.chance(plan.slowProbability)
    elapsedNanoseconds &+= operation.usualNanoseconds &+ (isSlow ? plan.slowNanoseconds : 0)
  }

  private mutating func plannedError(_ operation: DiskOperation, _ path: Int) -> ErrorNumber? {
    var found: ErrorNumber?
    for (index, script) in plan.scripts.enumerated() where script.operation == operation {
      if !script.pathSuffix.isEmpty && !paths[path].hasSuffix(script.pathSuffix) { continue }
      if !script.folder.isEmpty && !paths[path].hasPrefix(script.folder) { continue }
      scriptCalls[index] += 1
      let isDue =
        scriptCalls[index] == script.nth
        || script.goesOn && scriptCalls[index] > script.nth
      if isDue { found = found ?? script.error }
    }
    if let found { return found }
    guard let probability = plan.errorProbabilities[operation] else { return nil }
    return faults.chance(probability) ? .inputOutput : nil
  }

  /// The open file, or EBADF.
  func openFile(
    _ file: FileNumber, _ operation: DiskOperation
  ) throws(SystemCallError) -> OpenFile {
    if let found = openFiles[file.rawValue] { return found }
    throw SystemCallError(operation.systemCall, .badFileDescriptor, path: "")
  }

  /// Forgets files that nothing can reach any more.
  mutating func sweepUnlinked() {
    unlinked.removeAll { file in
      guard let found = files[file] else { return true }
      guard found.openCount == 0, !names.mayReturn(file) else { return false }
      files[file] = nil
      return true
    }
  }

  /// Gives back the space of a file that has neither a name nor a user.
  mutating func releaseSpace(of file: Int) {
    guard let found = files[file], found.openCount == 0, !found.isLinked else { return }
    usedPages -= found.space.count
    sweepUnlinked()
  }

  /// What outlives the machine, or the process: the clock and the numbers that are not used again.
  private mutating func carryOver(from other: DiskState) {
    ringCount = other.ringCount
    elapsedNanoseconds = other.elapsedNanoseconds
    digest = other.digest
    fatalStoreCount = other.fatalStoreCount
    endlessWaitCount = other.endlessWaitCount
  }

  /// Nobody has a file open or mapped any more, and no call is to come from those who had.
  func afterProcessKill() -> DiskState {
    var left = self
    left.openFiles = [:]
    left.mappings = [:]
    left.trace = nil
    left.set(FaultPlan())
    let nameless = unlinked.filter { files[$0].map { $0.openCount > 0 } ?? false }
    for index in left.files.indices { left.files[index]?.openCount = 0 }
    for file in nameless { left.releaseSpace(of: file) }
    return left
  }

  func afterPowerCut(seed: UInt64, _ survival: Survival) -> DiskState {
    var random = SeededGenerator(seed: seed)
    let odds = survival.odds(&random)
    let granuleSectors = options.granule == .sector ? 1 : 8
    var left = DiskState(options)
    left.carryOver(from: self)
    left.names = names.afterPowerCut(odds, &random)
    left.files = [SimulatedFile?](repeating: nil, count: files.count)
    for (_, node) in left.names.walk() {
      guard case .file(let number) = node, let file = files[number] else { continue }
      let found = file.afterPowerCut(odds, granuleSectors: granuleSectors, &random)
      left.usedPages += found.space.count
      left.files[number] = found
    }
    return left
  }
}
