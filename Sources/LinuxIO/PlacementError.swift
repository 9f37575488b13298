/// Why a text is not a placement on this machine.
package enum PlacementError: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(String)
  case noSuchProcessors(ProcessorList, online: ProcessorList)
  case processorsNotAllowed(ProcessorList, allowed: ProcessorList)
  case noSuchNode(Int, nodes: [Int])
  /// Where the kernel has no NUMA, or keeps it from the process.
  case noNUMA(node: Int)
  case nodeWithoutProcessors(Int, of: ProcessorList, allowed: ProcessorList)
  /// It has none, or the process's cpuset keeps it away.
  case nodeWithoutMemory(Int)

  package var description: String {
    switch self {
    case .malformed(let text):
      "expected any, cpu:LIST (such as cpu:0-1,3) or node:NUMBER with numbers below "
        + "\(ProcessorList.countMax), found '\(Self.quoted(text))'"
    case .noSuchProcessors(let missing, let online):
      "there is no CPU \(missing): this machine has CPU \(online)"
    case .processorsNotAllowed(let forbidden, let allowed):
      "this process may not use CPU \(forbidden): it may use CPU \(allowed) "
        + "(its affinity and cpuset)"
    case .noSuchNode(let number, let nodes):
      "there is no node \(number): this machine has node \(ProcessorList(nodes))"
        + (nodes.count == 1 ? " only" : "")
    case .noNUMA(let number):
      "there is no node \(number): this kernel offers no NUMA, and node 0 is the whole machine"
    case .nodeWithoutProcessors(let number, let processors, let allowed):
      processors.isEmpty
        ? "node \(number) has no CPU"
        : "this process may not use CPU \(processors) of node \(number): it may use CPU \(allowed)"
    case .nodeWithoutMemory(let number):
      "node \(number) has no memory that this process may use"
    }
  }

  /// What may be anything is shown in part.
  private static func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(60).map { $0.escaped(asASCII: true) }.joined()
    return text.unicodeScalars.count > 60 ? shown + "…" : shown
  }
}
