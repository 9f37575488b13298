import CommitLog
import Glibc
import LinuxIO
import LogStorage
import Records
import TestSupport

// Works for Scripts/power-cut inside its machine, as its tasks come, until the power goes:
//   PowerCutGuest PORT DISK
// Outside of it, says which backends there are, a line each:
//   PowerCutGuest backends
// Tasks, a line each, from PORT:
//   probe BACKEND                          can this kernel run it?     B BACKEND [reason]
//   open LOG BACKEND DURABILITY SEED       recovers and checks         N notice, E fault, F end...
//   check LOG BACKEND DURABILITY SEED      the same, then appends to each partition and settles:
//                                                                      then P end...
//   append LOG BACKEND DURABILITY SEED     appends until the end       S, then A partition offset
// Whatever a task could not do is `E text`; each task but `append` ends with `.`.

/// The line to the other side. Whole lines leave by one write(2) each, and nothing is held back here.
struct Port {
  let descriptor: Int32
  private var unread: [UInt8] = []

  init?(_ path: String) {
    descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    if descriptor < 0 { return nil }
  }

  func say(_ line: String) {
    let bytes = Array((line.split(separator: "\n").joined(separator: " ") + "\n").utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      // Nobody listens any more: nothing that is done from here on can be known.
      if count <= 0 { exit(3) }
      written += count
    }
  }

  /// The next task, waiting for it; nil where the other side is gone.
  mutating func line() -> String? {
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: unread[..<end], as: UTF8.self)
        unread.removeFirst(end + 1)
        return line
      }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &bytes, bytes.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return nil }
      unread += bytes[..<count]
    }
  }
}

/// What a task is about.
struct Case {
  let path: String
  let kind: BackendUnderTest
  let durability: Durability
  let seed: UInt64

  init?(_ words: [Substring], disk: String) {
    guard words.count == 5, let kind = BackendUnderTest(rawValue: String(words[2])),
      let durability = Durability(rawValue: String(words[3])), let seed = UInt64(words[4])
    else { return nil }
    path = "\(disk)/\(words[1])"
    self.kind = kind
    self.durability = durability
    self.seed = seed
  }

  func open() throws(LogError) -> LogFixture {
    mkdir(path, 0o755)
    return try KillWorkload.open(kind, durability, path: path, seed: seed)
  }
}

/// Opens a log of the backend, appends to it and closes it again.
func probe(_ kind: BackendUnderTest, disk: String) throws(LogError) {
  let path = "\(disk)/probe-\(kind)"
  mkdir(path, 0o755)
  defer { TemporaryDirectory.remove(path) }
  let fixture = try KillWorkload.open(kind, .batch, path: path, seed: 1)
  _ = try KillWorkload.append(to: fixture, 0)
  try fixture.settle()
  try fixture.directory.close()
}

/// Says how far each partition goes, and what is not as it was appended.
func check(_ fixture: LogFixture, _ port: Port) throws(LogError) {
  for notice in fixture.directory.notices.take() { port.say("N \(notice)") }
  var ends: [String] = []
  for partition in 0..<KillWorkload.partitionCount {
    let log = try fixture.log(partition)
    let found = try KillWorkload.check(log.published, partition)
    for fault in found.faults.prefix(5) { port.say("E partition \(partition): \(fault)") }
    if found.end != log.nextOffset.rawValue {
      port.say("E partition \(partition): ends at \(found.end), appends go on at \(log.nextOffset)")
    }
    ends.append("\(found.end)")
  }
  port.say("F \(ends.joined(separator: " "))")
}

/// One more batch to each partition: a log that was recovered takes appends.
func appendOne(_ fixture: LogFixture, _ port: Port) throws(LogError) {
  var ends: [String] = []
  for partition in 0..<KillWorkload.partitionCount {
    let receipt = try KillWorkload.append(to: fixture, partition)
    try fixture.settle()
    let status = try fixture.log(partition).status(of: receipt)
    if status != .acknowledged { port.say("E partition \(partition): an append is \(status)") }
    ends.append("\(receipt.nextOffset)")
  }
  port.say("P \(ends.joined(separator: " "))")
}

func append(_ work: Case, _ port: Port) throws(LogError) {
  let fixture = try work.open()
  for notice in fixture.directory.notices.take() { port.say("N \(notice)") }
  port.say("S")
  var appender = KillAppender(fixture, work.durability, seed: work.seed)
  try appender.run(appendsMax: .max) { partition, next in port.say("A \(partition) \(next)") }
}

/// Does one task. False where it is not understood.
func perform(_ task: String, disk: String, _ port: Port) -> Bool {
  let words = task.split(separator: " ")
  if words.count == 2, words[0] == "probe" {
    do throws(LogError) {
      guard let kind = BackendUnderTest(rawValue: String(words[1])) else { return false }
      try probe(kind, disk: disk)
      port.say("B \(kind)")
    } catch { port.say("B \(words[1]) \(error)") }
    return true
  }
  guard let work = Case(words, disk: disk) else { return false }
  do throws(LogError) {
    switch words[0] {
    case "open": try check(try work.open(), port)
    case "check":
      let fixture = try work.open()
      try check(fixture, port)
      try appendOne(fixture, port)
    case "append": try append(work, port)
    default: return false
    }
  } catch { port.say("E \(error)") }
  return true
}

let arguments = CommandLine.arguments
if arguments.dropFirst() == ["backends"] {
  for backend in BackendUnderTest.shipping { print(backend) }
  exit(0)
}
guard arguments.count == 3, var port = Port(arguments[1]) else {
  print("usage: PowerCutGuest PORT DISK, where PORT can be opened")
  exit(2)
}
port.say("H")
while let task = port.line() {
  if !perform(task, disk: arguments[2], port) { port.say("E not a task: '\(task)'") }
  port.say(".")
}
