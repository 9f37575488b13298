import LinuxIO
import Testing

/// Four processors, three of them ours, on two nodes; a third node has memory alone, a fourth none.
private let invented = ProcessorTopology(
  online: ProcessorList(0...3), allowed: ProcessorList(0...2),
  memory: NUMANodes(
    nodes: [
      .init(
        number: 0, processors: ProcessorList(0...1), memoryBytes: 1 << 30, isMemoryAllowed: true),
      .init(
        number: 1, processors: ProcessorList(2...3), memoryBytes: 1 << 30, isMemoryAllowed: true),
      .init(number: 2, processors: ProcessorList([]), memoryBytes: 1, isMemoryAllowed: true),
      .init(number: 4, processors: ProcessorList([2]), memoryBytes: 0, isMemoryAllowed: true),
      .init(number: 5, processors: ProcessorList([1]), memoryBytes: 1, isMemoryAllowed: false),
      .init(number: 6, processors: ProcessorList([3]), memoryBytes: 1, isMemoryAllowed: true),
    ], distances: []))

struct PlacementParsingTests {
  @Test(
    arguments: [
      ("any", "any", nil, nil), ("cpu:0", "cpu:0", [0], nil),
      ("cpu:2,0-1,1", "cpu:0-2", [0, 1, 2], nil), ("cpu:2-2,0", "cpu:0,2", [0, 2], nil),
      ("node:0", "node:0", [0, 1], 0), ("node:1", "node:1", [2], 1), ("node:01", "node:1", [2], 1),
    ] as [(String, String, [Int]?, Int?)])
  func `a placement is read and spelled again`(
    text: String, spelling: String, processors: [Int]?, node: Int?
  ) throws {
    let placement = try Placement(parsing: text, on: invented)
    #expect(placement.description == spelling)
    #expect(placement.processors?.numbers == processors && placement.memoryNode == node)
    #expect(try Placement(parsing: spelling, on: invented) == placement)
  }

  @Test(arguments: [
    "", "ANY", "cpu", "cpu:", "node:", "node", "cpu:0-", "cpu:-0", "cpu:3-1", "cpu:0,,1", "cpu:,",
    "cpu:0-1-2", "cpu: 0", "cpu:+1", "cpu:0x1", "cpu:٣", "cpu:8192", "node:-1", "node:0,1",
    "node:8192", "cpu:99999999999999999999", "node:99999999999999999999",
    "cpu:0-18446744073709551615",
  ])
  func `what is no placement is an error that says what is`(text: String) throws {
    try expectMalformed(text)
  }

  @Test func `what is long or cannot be shown is an error of one short line`() throws {
    try expectMalformed("junk\u{0}\n\u{1B}[2J")
    try expectMalformed("cpu:" + String(repeating: "0,", count: 3000) + "0")
    try expectMalformed("cpu:" + String(repeating: "0-8191,", count: 100_000) + "0")
  }

  private func expectMalformed(_ text: String) throws {
    let error = try #require(throws: PlacementError.self) {
      try Placement(parsing: text, on: invented)
    }
    #expect(error == .malformed(text))
    #expect(error.description.hasPrefix("expected any, cpu:LIST"))
    #expect(error.description.utf8.allSatisfy { $0 >= UInt8(ascii: " ") })
    #expect(error.description.utf8.count < 700)
  }

  @Test(arguments: [
    ("cpu:4096", "there is no CPU 4096: this machine has CPU 0-3"),
    ("cpu:2-9", "there is no CPU 4-9: this machine has CPU 0-3"),
    ("cpu:1-3", "this process may not use CPU 3: it may use CPU 0-2 (its affinity and cpuset)"),
    ("node:3", "there is no node 3: this machine has node 0-2,4-6"),
    ("node:2", "node 2 has no CPU"), ("node:4", "node 4 has no memory that this process may use"),
    ("node:5", "node 5 has no memory that this process may use"),
    ("node:6", "this process may not use CPU 3 of node 6: it may use CPU 0-2"),
  ])
  func `what the machine does not have is an error that says what it has`(
    text: String, message: String
  ) throws {
    let error = try #require(throws: PlacementError.self) {
      try Placement(parsing: text, on: invented)
    }
    #expect(error.description == message)
  }

  @Test func `without NUMA in the kernel node 0 is the whole machine, unbound`() throws {
    let flat = ProcessorTopology(
      online: ProcessorList(0...3), allowed: ProcessorList(1...2), memory: nil)
    let placement = try Placement(parsing: "node:0", on: flat)
    #expect(placement.processors?.numbers == [1, 2] && placement.memoryNode == nil)
    let error = try #require(throws: PlacementError.self) {
      try Placement(parsing: "node:1", on: flat)
    }
    #expect(error == .noNUMA(node: 1))
  }
}

struct PlacementTests {
  /// What a thread says of itself after it was placed.
  private struct Place: Sendable {
    let processors: ProcessorList
    let processor: Int?
  }

  private func place(_ placement: Placement) throws -> Place {
    let thread = try WorkerThread<Result<Place, SystemCallError>> {
      do throws(SystemCallError) {
        try placement.apply()
        return .success(
          Place(processors: try CurrentPlace.processors(), processor: CurrentPlace.processor()))
      } catch {
        return .failure(error)
      }
    }
    return try #require(thread.join()).get()
  }

  @Test func `a pinned thread runs where it was told to, and others where they did`() throws {
    let topology = try ProcessorTopology.current()
    let before = try CurrentPlace.processors()
    for number in topology.allowed.numbers.prefix(4) {
      let place = try place(Placement(parsing: "cpu:\(number)", on: topology))
      #expect(place.processors.numbers == [number] && place.processor == number)
    }
    #expect(try place(.any).processors == before)
    #expect(try CurrentPlace.processors() == before)
  }

  @Test func `this machine lacks what no machine has`() throws {
    let topology = try ProcessorTopology.current()
    #expect(!topology.allowed.isEmpty && topology.allowed.subtracting(topology.online).isEmpty)
    let missing = (topology.online.numbers.last ?? 0) + 1
    #expect(throws: PlacementError.self) { try Placement(parsing: "cpu:\(missing)", on: topology) }
    let nodes = topology.memory?.nodes.map(\.number) ?? [0]
    let node = (nodes.last ?? 0) + 1
    let error = try #require(throws: PlacementError.self) {
      try Placement(parsing: "node:\(node)", on: topology)
    }
    if topology.memory != nil { #expect(error == .noSuchNode(node, nodes: nodes)) }
  }

  @Test func `nodes have processors, memory and distances`() throws {
    guard let memory = NUMANodes.ofThisMachine else {
      print("skipped: this kernel offers no NUMA")
      return
    }
    #expect(!memory.nodes.isEmpty)
    #expect(memory.nodes.contains { $0.memoryBytes > 0 && !$0.processors.isEmpty })
    #expect(memory.distances.count == memory.nodes.count)
    for (index, row) in memory.distances.enumerated() {
      #expect(row.count == memory.nodes.count && [0, 10].contains(row[index]))
    }
  }

  @Test func `memory that a thread on a node touches first lies on the node`() throws {
    let topology = try ProcessorTopology.current()
    for node in topology.memory?.nodes ?? [] {
      guard let placement = try? Placement(parsing: "node:\(node.number)", on: topology) else {
        continue
      }
      let thread = try WorkerThread<Result<[Int], SystemCallError>> {
        do throws(SystemCallError) {
          try placement.apply()
          // Larger than what malloc keeps, so that the pages are new.
          let bytes = [UInt8](repeating: 1, count: 8 << 20)
          var found: [Int] = []
          for page in stride(from: 0, to: bytes.count, by: 1 << 20) {
            found.append(
              try CurrentPlace.memoryNode(of: bytes.span.bytes.extracting(page..<bytes.count)))
          }
          return .success(found)
        } catch {
          return .failure(error)
        }
      }
      switch try #require(thread.join()) {
      case .success(let found): #expect(Set(found) == [node.number])
      case .failure(let error)
      where error.number == .notPermitted || error.number == .noSuchCall:
        print("skipped: \(error)")
      case .failure(let error): Issue.record("\(error)")
      }
    }
    if topology.memory == nil { print("skipped: this kernel offers no NUMA") }
  }
}
