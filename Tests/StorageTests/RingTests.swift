import LinuxIO
import SimulatedStorage
import TestSupport
import Testing

/// The ring, on the kernel's io_uring and on the simulated disk.
@Suite("A ring", .enabled(if: BackendUnderTest.allCases.contains(.uring), "no io_uring here"))
struct RingTests {
  private func open(_ place: DiskUnderTest.Place, _ name: String) throws -> FileNumber {
    try place.io.open("\(place.path)/\(name)", FileOpening(.readWrite, creation: .mustBeNew))
  }

  /// Submits until so many completions are there; by tag.
  private func reap(
    _ ring: any SubmissionRing, _ count: Int
  ) throws -> [UInt64: Result<Int, ErrorNumber>] {
    var found: [UInt64: Result<Int, ErrorNumber>] = [:]
    while found.count < count {
      try ring.submit(waitingFor: 1)
      while let completion = ring.next() { found[completion.tag] = completion.result }
    }
    return found
  }

  @Test(
    "writes many pieces of many files at once, each where it belongs",
    arguments: DiskUnderTest.allCases)
  func writes(_ disk: DiskUnderTest) throws {
    let place = disk.make()
    let ring = try place.io.makeRing(depth: 16)
    var random = SeededGenerator(seed: 5)
    // More files than the simulated ring has slots.
    let numbers = try (0..<7).map { try open(place, "f\($0)") }
    let files = numbers.map { ring.register($0) }
    let contents = (0..<7).map { _ in random.bytes(20_000) }
    var under: [Int] = random.shuffled(Array(0..<140))
    var pieces: [[UInt8]] = []
    for index in 0..<140 {
      let start = index / 7 * 1000
      pieces.append(Array(contents[index % 7][start..<(start + 1000)]))
    }
    var buffers: [UnsafeMutableRawBufferPointer] = []
    defer { for buffer in buffers { buffer.deallocate() } }
    var ended = 0
    while ended < 140 {
      var queued = 0
      while queued < 16, let index = under.popLast() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 8)
        buffer.copyBytes(from: pieces[index])
        buffers.append(buffer)
        let isQueued = ring.write(
          files[index % 7], UnsafeRawBufferPointer(buffer), at: Int64(index / 7 * 1000),
          isRegistered: false, link: false, tag: UInt64(index))
        #expect(isQueued)
        queued += 1
      }
      let answers = try reap(ring, queued)
      #expect(answers.values.allSatisfy { $0 == .success(1000) })
      ended += queued
    }
    for (index, content) in contents.enumerated() {
      #expect(try place.io.readFile(at: "\(place.path)/f\(index)") == content)
    }
    for (file, number) in zip(files, numbers) {
      ring.unregister(file)
      try place.io.close(number)
    }
  }

  @Test(
    "refuses more than its depth, and cancels what is linked to a failure",
    arguments: DiskUnderTest.allCases)
  func links(_ disk: DiskUnderTest) throws {
    let place = disk.make()
    let ring = try place.io.makeRing(depth: 4)
    let number = try open(place, "f")
    let good = ring.register(number)
    let readOnly = ring.register(try place.io.open("\(place.path)/f", FileOpening(.read)))
    let bytes = [UInt8](repeating: 3, count: 100)
    try bytes.withUnsafeBytes { memory in
      // The kernel may have rounded the depth up; here it is what was asked.
      #expect(
        ring.write(good, memory, at: 0, isRegistered: false, link: true, tag: 1)
          && ring.synchronizeData(good, link: false, tag: 2)
          && ring.write(readOnly, memory, at: 0, isRegistered: false, link: true, tag: 3)
          && ring.synchronizeData(readOnly, link: false, tag: 4))
      #expect(!ring.synchronizeData(good, link: false, tag: 5))
      let answers = try reap(ring, 4)
      #expect(answers[1] == .success(100) && answers[2] == .success(0))
      #expect(answers[3] == .failure(.badFileDescriptor) && answers[4] == .failure(.cancelled))
    }
    if let disk = place.disk {
      try place.io.synchronizeDirectory(place.path)
      let left = disk.powerCut(seed: 1, .guaranteed).contents(of: "\(place.path)/f")
      #expect(left == bytes, "the linked flush covers the write")
    }
  }

  @Test("cancels what is linked to a short write, and completes in many orders")
  func fallsShort() throws {
    var orders: Set<[UInt64]> = []
    var cancelled = 0
    for seed in UInt64(0)..<200 {
      let disk = SimulatedDisk(SimulatedDiskOptions(ringSeed: seed))
      var plan = FaultPlan(seed: seed)
      plan.shortWriteProbability = 0.3
      disk.set(plan)
      let io = SimulatedFileIO(disk)
      let ring = try io.makeRing(depth: 8)
      let file = ring.register(
        try io.open("/f", FileOpening(.readWrite, creation: .mustBeNew)))
      let bytes = [UInt8](repeating: 9, count: 5000)
      try bytes.withUnsafeBytes { memory in
        for index in UInt64(0)..<3 {
          _ = ring.write(
            file, memory, at: Int64(index) * 5000, isRegistered: false, link: true,
            tag: index * 2)
          _ = ring.synchronizeData(file, link: false, tag: index * 2 + 1)
        }
        var order: [UInt64] = []
        var results: [UInt64: Result<Int, ErrorNumber>] = [:]
        while order.count < 6 {
          try ring.submit(waitingFor: 1)
          while let completion = ring.next() {
            order.append(completion.tag)
            results[completion.tag] = completion.result
          }
        }
        for index in UInt64(0)..<3 {
          guard case .success(let count) = results[index * 2] else {
            Issue.record("seed \(seed): a write failed")
            continue
          }
          let isShort = count < 5000
          cancelled += isShort ? 1 : 0
          #expect(
            results[index * 2 + 1] == (isShort ? .failure(.cancelled) : .success(0)),
            "seed \(seed)")
        }
        orders.insert(order)
      }
    }
    #expect(orders.count > 50 && cancelled > 50)
  }
}
