import CLinux

/// Where a thread runs, and where the memory lies that it is the first to touch.
///
/// | text | meaning |
/// |---|---|
/// | `any` | where the kernel likes: nothing is set |
/// | `cpu:0-1,3` | on these processors; memory as the kernel likes |
/// | `node:0` | on the node's processors, with memory of the node only |
package struct Placement: Hashable, Sendable {
  package static let any = Placement(kind: .any, processors: nil, memoryNode: nil)

  private enum Kind: Hashable, Sendable {
    case any, processors
    case node(Int)
  }

  private let kind: Kind
  /// Nil for any.
  package let processors: ProcessorList?
  /// Nil where memory is not bound: for `node:` too, where the kernel has no NUMA.
  package let memoryNode: Int?

  private init(kind: Kind, processors: ProcessorList?, memoryNode: Int?) {
    self.kind = kind
    self.processors = processors
    self.memoryNode = memoryNode
  }

  /// Checked against what there is: processors that do not exist, or that the process may not use,
  /// are an error, as are nodes without one that it may use, and nodes whose memory it may not use.
  /// Of a node, those processors count that the process may use. Without NUMA in the kernel node 0
  /// is the whole machine, and there is no other.
  package init(parsing text: String, on topology: ProcessorTopology) throws(PlacementError) {
    if text == "any" {
      self = .any
    } else if text.hasPrefix("cpu:") {
      guard let list = ProcessorList(parsing: text.dropFirst(4)) else { throw .malformed(text) }
      let missing = list.subtracting(topology.online)
      guard missing.isEmpty else {
        throw .noSuchProcessors(missing, online: topology.online)
      }
      let forbidden = list.subtracting(topology.allowed)
      guard forbidden.isEmpty else {
        throw .processorsNotAllowed(forbidden, allowed: topology.allowed)
      }
      self.init(kind: .processors, processors: list, memoryNode: nil)
    } else if text.hasPrefix("node:") {
      guard let number = ProcessorList.number(text.dropFirst(5)) else { throw .malformed(text) }
      self = try Self.onNode(number, topology)
    } else {
      throw .malformed(text)
    }
  }

  /// True where the text could be a place on some machine.
  package static func isWellFormed(_ text: String) -> Bool {
    if text == "any" { return true }
    if text.hasPrefix("cpu:") { return ProcessorList(parsing: text.dropFirst(4)) != nil }
    return text.hasPrefix("node:") && ProcessorList.number(text.dropFirst(5)) != nil
  }

  private static func onNode(
    _ number: Int, _ topology: ProcessorTopology
  ) throws(PlacementError) -> Placement {
    guard let memory = topology.memory else {
      guard number == 0 else { throw .noNUMA(node: number) }
      return Placement(kind: .node(0), processors: topology.allowed, memoryNode: nil)
    }
    guard let node = memory.nodes.first(where: { $0.number == number }) else {
      throw .noSuchNode(number, nodes: memory.nodes.map(\.number))
    }
    let processors = node.processors.intersection(topology.allowed)
    guard !processors.isEmpty else {
      throw .nodeWithoutProcessors(number, of: node.processors, allowed: topology.allowed)
    }
    guard node.isMemoryAllowed && node.memoryBytes > 0 else {
      throw .nodeWithoutMemory(number)
    }
    return Placement(kind: .node(number), processors: processors, memoryNode: number)
  }

  /// Places the calling thread, and threads that it starts from now on; pages that were touched
  /// before stay where they are. `any` changes nothing: it does not undo another placement.
  /// `sched_setaffinity(2)`, then `set_mempolicy(2)` with MPOL_BIND; where that one fails (some
  /// containers forbid it) the thread is on the node's processors, its memory unbound.
  package func apply() throws(SystemCallError) {
    guard let processors else { return }
    let words = processors.words
    let placed = clinux_set_affinity(words, words.count)
    guard placed == 0 else {
      throw SystemCallError(.schedSetaffinity, ErrorNumber(rawValue: -placed), path: description)
    }
    guard let memoryNode else { return }
    let bound = clinux_bind_memory(Int32(memoryNode))
    guard bound == 0 else {
      throw SystemCallError(.setMempolicy, ErrorNumber(rawValue: -bound), path: description)
    }
  }
}

extension Placement: CustomStringConvertible {
  /// The text that it is parsed from, in one spelling.
  package var description: String {
    switch kind {
    case .any: "any"
    case .processors: "cpu:\(processors?.description ?? "")"
    case .node(let number): "node:\(number)"
    }
  }
}

/// What the kernel says of the calling thread's place.
package enum CurrentPlace {
  /// The processors that the calling thread may run on. `sched_getaffinity(2)`.
  package static func processors() throws(SystemCallError) -> ProcessorList {
    var words = [UInt64](repeating: 0, count: ProcessorList.wordCount)
    let result = clinux_affinity(0, &words, words.count)
    guard result == 0 else {
      throw SystemCallError(.schedGetaffinity, ErrorNumber(rawValue: -result), path: "this thread")
    }
    return ProcessorList(words: words)
  }

  /// The processor that the calling thread runs on, for as long as it stays there; nil where the
  /// kernel does not tell. `sched_getcpu(3)`.
  package static func processor() -> Int? {
    let number = clinux_current_cpu()
    return number < 0 ? nil : Int(number)
  }

  /// The node that the first byte's page lies on; a page that nobody touched gets a place by this.
  /// `get_mempolicy(2)`, which some containers forbid.
  package static func memoryNode(of bytes: RawSpan) throws(SystemCallError) -> Int {
    // SAFETY: the kernel looks at the page's place only, while the span's memory is there.
    let result = bytes.withUnsafeBytes { clinux_memory_node($0.baseAddress) }
    guard result >= 0 else {
      throw SystemCallError(.getMempolicy, ErrorNumber(rawValue: -result), path: "memory")
    }
    return Int(result)
  }
}
