import ArgumentParser
import LogStorage
import Results
import StorageBackends
import TransferPaths

/// `varve backends`
struct BackendsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backends",
    abstract: "List the storage backends and the transfer paths, and what each is.",
    discussion: """
      Whether they work on this machine is 'varve doctor's to say.

      Example: varve backends --json
      """)

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  func run() {
    let backends = ShippedBackends.all.map { $0.capabilities }
    let paths = ShippedPaths.all.map { $0.capabilities }
    if json { return printLine(Self.document(backends, paths).text) }
    printLine("backends:")
    for backend in backends {
      printLine(
        "  \(Self.padded(backend.name)) \(Self.properties(backend).joined(separator: ", "))")
    }
    printLine("transfer paths:")
    for path in paths {
      printLine("  \(Self.padded(path.name)) \(Self.properties(path).joined(separator: ", "))")
    }
  }

  private static func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(0, 14 - name.count))
  }

  private static func properties(_ backend: StorageCapabilities) -> [String] {
    var properties: [String] = []
    if backend.isMapped { properties.append("stores to a mapping") }
    if backend.isDirect { properties.append("bypasses the page cache") }
    if backend.isUncached { properties.append("leaves nothing in the page cache") }
    properties.append(backend.isAsynchronous ? "appends are queued" : "appends are system calls")
    let ways = backend.preallocations.map(\.rawValue).joined(separator: " ")
    return properties + ["preallocation \(ways)"]
  }

  private static func properties(_ path: TransferCapabilities) -> [String] {
    (path.lendsPages ? ["lends the file's pages"] : ["copies"])
      + (path.needs == .tcpSocket ? ["TCP only"] : [])
  }

  private static func document(
    _ backends: [StorageCapabilities], _ paths: [TransferCapabilities]
  ) -> JSONValue {
    .object([
      "backends": .list(
        backends.map { backend in
          .object([
            "name": .text(backend.name), "asynchronous": .flag(backend.isAsynchronous),
            "direct": .flag(backend.isDirect), "mapped": .flag(backend.isMapped),
            "uncached": .flag(backend.isUncached),
            "preallocations": .list(backend.preallocations.map { .text($0.rawValue) }),
          ])
        }),
      "transfers": .list(
        paths.map { path in
          .object([
            "name": .text(path.name), "lends_pages": .flag(path.lendsPages),
            "needs_tcp": .flag(path.needs == .tcpSocket),
          ])
        }),
    ])
  }
}
