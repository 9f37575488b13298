import LinuxIO
import SimulatedStorage

// What happens to the disk, past the log.
extension HistoryRun {
  /// Changes what goes wrong from here on; what was planned before stays.
  mutating func plan(_ change: (inout FaultPlan, SimulatedDisk) -> Void) {
    change(&faults, disk)
    disk.set(faults)
  }

  mutating func set(_ shape: HistoryStep.DiskFaults) {
    plan { plan, disk in
      if let script = shape.script { plan.scripts = [script] }
      if let bytesLeft = shape.bytesLeft { plan.capacityBytes = disk.usedBytes + bytesLeft }
      plan.shortWriteProbability = shape.shortProbability
      plan.shortReadProbability = shape.shortProbability
      plan.seed = shape.seed
      plan.slowProbability = shape.slowProbability
      plan.slowNanoseconds = shape.slowMilliseconds * 1_000_000
    }
  }

  /// The index files of a partition are not what they were. Readers that have one open keep it.
  func lose(_ loss: HistoryStep.IndexLoss, _ partition: Int) {
    if disk.isPowerOff { return }
    let directory = "/data/log/t-\(partition)/"
    for path in disk.allPaths where path.hasPrefix(directory) && path.hasSuffix("index") {
      guard let bytes = disk.contents(of: path) else { continue }
      switch loss {
      case .removed: disk.removeName(path)
      case .resized(let share):
        let count = bytes.count * share / 256
        let filler = [UInt8](repeating: 0xA5, count: max(0, count - bytes.count))
        disk.setContents(of: path, Array(bytes.prefix(count)) + filler)
      case .overwritten(let seed):
        var random = SeededGenerator(seed: seed)
        disk.setContents(
          of: path, bytes.map { random.chance(0.3) ? UInt8(random.below(256)) : $0 })
      }
    }
  }

  /// Flips one bit of a file of the log, most often of a segment.
  mutating func rot(_ seed: UInt64) {
    if disk.isPowerOff { return }
    var random = SeededGenerator(seed: seed)
    let paths = disk.allPaths.filter { $0.hasPrefix("/data/log/") && !$0.hasSuffix(".lock") }
    let segments = paths.filter { $0.hasSuffix(".log") }
    let among = segments.isEmpty || random.chance(0.2) ? paths : segments
    if among.isEmpty { return }
    let path = among[random.below(among.count)]
    let count = disk.contents(of: path)?.count ?? 0
    if count == 0 { return }
    let bit = random.below(count * 8)
    disk.flipBit(of: path, bit)
    isRotten = true
    // What was told at an earlier start is not about this.
    hasNotices = false
    tell("bit \(bit % 8) of byte \(bit / 8) of \(path)")
  }
}
