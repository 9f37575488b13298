import CommitLog
import LogStorage
import Synchronization

/// What a directory was before the input changes it: nothing but a topic, or what the product itself
/// left behind.
enum RecoveryScenario {
  private static let made = Mutex<[Int: FuzzDirectory]>([:])

  static func make(_ choice: Int) -> FuzzDirectory {
    let number = choice % 16
    if let directory = made.withLock({ $0[number] }) { return directory }
    let directory = directory(number)
    made.withLock { $0[number] = directory }
    return directory
  }

  private static func directory(_ number: Int) -> FuzzDirectory {
    var settings = TopicSettings(backend: "buffered")
    settings.indexIntervalBytes = 100
    switch number {
    case 0: return FuzzDirectory()
    case 1: return topic(settings)
    case 2: return topic(settings, partitions: 2)
    default: break
    }
    settings.segmentBytes = number % 2 == 0 ? 1 << 20 : 1024
    settings.durability = Durability.allCases[number / 2 % Durability.allCases.count]
    if number >= 12 { settings.preallocation = .recycle }
    var directory = filled(topic(settings), batches: 3 + number % 3 * 4)
    // A stop that was not clean leaves no marker, and one before any checkpoint nothing to trust.
    if number % 3 != 0 { directory.files[".varve_cleanshutdown"] = nil }
    if number % 3 == 1 { directory.files["recovery-point-offset-checkpoint"] = nil }
    return directory
  }

  private static func topic(_ settings: TopicSettings, partitions: Int = 1) -> FuzzDirectory {
    var directory = FuzzDirectory()
    directory.addTopic(partitions: partitions, settings)
    return directory
  }

  private static func filled(_ directory: FuzzDirectory, batches: Int) -> FuzzDirectory {
    let disk = directory.disk
    do {
      let open = try OpenDirectory(disk)
      let log = try open.directory.log(.first)
      for index in 0..<batches {
        var batch = FuzzBatch()
        batch.recordCount = 1 + index % 3
        batch.valueBytes = 40 + index * 20
        batch.timestamp = 1_000 + Int64(index) * 10
        try open.append(batch.bytes, to: log)
      }
      try open.directory.close()
    } catch { fatalError("a new log does not take batches: \(error)") }
    var filled = FuzzDirectory(disk)
    filled.directories = directory.directories
    return filled
  }
}
