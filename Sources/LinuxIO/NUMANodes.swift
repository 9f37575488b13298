import CLinux
import Glibc

/// The machine's memory nodes, as the kernel and the firmware tell of them.
package struct NUMANodes: Hashable, Sendable {
  package struct Node: Hashable, Sendable {
    package let number: Int
    /// Empty for a node of memory alone.
    package let processors: ProcessorList
    /// 0 for a node of processors alone.
    package let memoryBytes: Int64
    /// False where the process's cpuset keeps it from the node's memory.
    package let isMemoryAllowed: Bool

    package init(
      number: Int, processors: ProcessorList, memoryBytes: Int64, isMemoryAllowed: Bool
    ) {
      self.number = number
      self.processors = processors
      self.memoryBytes = memoryBytes
      self.isMemoryAllowed = isMemoryAllowed
    }
  }

  /// By ascending number; numbers may have gaps.
  package let nodes: [Node]
  /// A row for each node, in it a column for each: 10 from a node to itself, more to others, 0
  /// where it is not known.
  package let distances: [[Int]]

  package init(nodes: [Node], distances: [[Int]]) {
    self.nodes = nodes
    self.distances = distances
  }

  /// This machine's, as they were when first asked for (libnuma reads /sys once); nil where the
  /// kernel has no NUMA, or does not let this process use it.
  package static let ofThisMachine: NUMANodes? = {
    guard clinux_numa_available() == 1 else { return nil }
    let nodes = (0...max(clinux_numa_node_max(), 0)).compactMap(Node.init)
    let distances = nodes.map { from in
      nodes.map { to in Int(clinux_numa_distance(Int32(from.number), Int32(to.number))) }
    }
    return NUMANodes(nodes: nodes, distances: distances)
  }()
}

extension NUMANodes.Node {
  /// Nil where there is no such node.
  fileprivate init?(_ number: Int32) {
    var bytes: Int64 = 0
    var isAllowed: Int32 = 0
    guard clinux_numa_node(number, &bytes, &isAllowed) == 1 else { return nil }
    var words = [UInt64](repeating: 0, count: ProcessorList.wordCount)
    // A node whose processors are not known has none to run on.
    if clinux_numa_node_cpus(number, &words, words.count) < 0 { words = [] }
    self.init(
      number: Int(number), processors: ProcessorList(words: words), memoryBytes: bytes,
      isMemoryAllowed: isAllowed != 0)
  }
}

/// What there is to place threads on.
package struct ProcessorTopology: Hashable, Sendable {
  package let online: ProcessorList
  /// Those that the process's first thread may run on: within its cpuset and what it was started
  /// with.
  package let allowed: ProcessorList
  /// Nil where the kernel has no NUMA.
  package let memory: NUMANodes?

  package init(online: ProcessorList, allowed: ProcessorList, memory: NUMANodes?) {
    self.online = online
    self.allowed = allowed
    self.memory = memory
  }

  /// This machine and process now. `sched_getaffinity(2)` of the process,
  /// /sys/devices/system/cpu/online, libnuma.
  package static func current() throws(SystemCallError) -> ProcessorTopology {
    var words = [UInt64](repeating: 0, count: ProcessorList.wordCount)
    let result = clinux_affinity(1, &words, words.count)
    guard result == 0 else {
      throw SystemCallError(
        .schedGetaffinity, ErrorNumber(rawValue: -result), path: "this process")
    }
    let allowed = ProcessorList(words: words)
    return ProcessorTopology(
      online: onlineProcessors() ?? allowed, allowed: allowed, memory: .ofThisMachine)
  }

  /// Nil where /sys does not tell.
  private static func onlineProcessors() -> ProcessorList? {
    let file = open("/sys/devices/system/cpu/online", O_RDONLY | clinux_o_cloexec())
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &bytes, bytes.count)
    guard count > 0 else { return nil }
    let text = String(
      decoding: bytes.prefix(count).prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    return ProcessorList(parsing: text[...])
  }
}
