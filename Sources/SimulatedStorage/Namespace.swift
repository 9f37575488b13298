import LinuxIO

/// The directories of the simulated disk, as processes see them and as a power cut is sure to
/// leave them, and the operations in between.
struct Namespace: Sendable {
  enum Node: Hashable, Sendable {
    case file(Int)
    case directory(Int)
  }

  struct Key: Hashable, Sendable {
    let directory: Int
    let name: String
  }

  /// One creation, removal or rename: all its names change together, or none does.
  struct Operation: Sendable {
    struct Change: Sendable {
      let key: Key
      let after: Node?
    }
    let changes: [Change]
    /// Set where the operation removed this directory: what left it before must have left it.
    var removedDirectory: Int?

    var isRename: Bool { changes.count > 1 }
  }

  struct Directory: Sendable {
    var entries: [String: Node] = [:]
    var durable: [String: Node] = [:]
  }

  static let root = 0
  private(set) var directories: [Directory] = [Directory()]
  /// Not synchronized yet, oldest first.
  private(set) var operations: [Operation] = []

  enum Lookup {
    case found(Node)
    /// The directory is there, the name in it is not.
    case missing(Key)
  }

  /// Walks the path. The working directory is the root. Throws ENOENT or ENOTDIR where an element
  /// before the last one fails.
  func look(_ path: String) throws(LookupFailure) -> Lookup {
    let names = Self.names(in: path)
    var node = Node.directory(Self.root)
    for (index, name) in names.enumerated() {
      guard case .directory(let number) = node else { throw .notADirectory }
      if let next = directories[number].entries[name] {
        node = next
      } else if index == names.count - 1 {
        return .missing(Key(directory: number, name: name))
      } else {
        throw .noSuchFile
      }
    }
    return .found(node)
  }

  /// Where the path's last name stands; nil for the root.
  func key(of path: String) throws(LookupFailure) -> Key? {
    let names = Self.names(in: path)
    guard let last = names.last else { return nil }
    var number = Self.root
    for name in names.dropLast() {
      switch directories[number].entries[name] {
      case .directory(let next): number = next
      case .file: throw .notADirectory
      case nil: throw .noSuchFile
      }
    }
    return Key(directory: number, name: last)
  }

  func entry(_ key: Key) -> Node? { directories[key.directory].entries[key.name] }

  func entries(of directory: Int) -> [String: Node] { directories[directory].entries }

  /// Makes the change visible; durable after `synchronize` of its directory.
  mutating func perform(_ operation: Operation) {
    for change in operation.changes {
      directories[change.key.directory].entries[change.key.name] = change.after
    }
    operations.append(operation)
  }

  /// Puts a name in place, durably, past all that is pending. For what a test prepares.
  mutating func place(_ node: Node?, at key: Key) {
    directories[key.directory].entries[key.name] = node
    directories[key.directory].durable[key.name] = node
  }

  mutating func addDirectory() -> Int {
    directories.append(Directory())
    return directories.count - 1
  }

  /// `fsync` of a directory: the operations in it become durable, and those before them without
  /// which they could not be (earlier ones on the same names; what left a removed directory; the
  /// making of the directory that a rename moved into).
  mutating func synchronize(_ directory: Int) {
    if operations.isEmpty { return }
    var chosen = [Bool](repeating: false, count: operations.count)
    var keys: Set<Key> = []
    var emptied: Set<Int> = []
    var needed: Set<Int> = []
    for index in operations.indices.reversed() {
      let operation = operations[index]
      chosen[index] = operation.changes.contains { change in
        change.key.directory == directory || keys.contains(change.key)
          || emptied.contains(change.key.directory)
          || change.after.map { Self.isDirectory($0, in: needed) } ?? false
      }
      guard chosen[index] else { continue }
      for change in operation.changes {
        keys.insert(change.key)
        // The directory that was asked for need not itself be reachable after a power cut; one
        // that a durable rename moved a name into must be.
        if operation.isRename || change.after.map({ Self.isDirectory($0, in: needed) }) ?? false {
          needed.insert(change.key.directory)
        }
      }
      if let removed = operation.removedDirectory { emptied.insert(removed) }
    }
    var kept: [Operation] = []
    for (index, operation) in operations.enumerated() {
      if chosen[index] { settle(operation) } else { kept.append(operation) }
    }
    operations = kept
  }

  private mutating func settle(_ operation: Operation) {
    for change in operation.changes {
      directories[change.key.directory].durable[change.key.name] = change.after
    }
  }

  /// The directories as a power cut leaves them: a subset of what was pending, where an operation
  /// survives only if every one that it stands on does.
  func afterPowerCut(_ survival: SurvivalOdds, _ random: inout SeededGenerator) -> Namespace {
    var left = self
    left.operations = []
    var lostKeys: Set<Key> = []
    var lostDirectories: Set<Int> = []
    var touched: Set<Int> = []
    for operation in operations {
      let standsOnLost = operation.changes.contains { change in
        lostKeys.contains(change.key)
          || operation.isRename && lostDirectories.contains(change.key.directory)
      }
      let strands = operation.removedDirectory.map(touched.contains) ?? false
      if !standsOnLost && !strands && random.chance(survival.probability) {
        left.settle(operation)
        for change in operation.changes where lostDirectories.contains(change.key.directory) {
          if case .directory(let made) = change.after { lostDirectories.insert(made) }
        }
      } else {
        for change in operation.changes {
          lostKeys.insert(change.key)
          touched.insert(change.key.directory)
          if case .directory(let made) = change.after { lostDirectories.insert(made) }
        }
      }
    }
    for index in left.directories.indices {
      left.directories[index].entries = left.directories[index].durable
    }
    return left
  }

  /// Every path with its node, in the order of the paths.
  func walk() -> [(path: String, node: Node)] {
    var found: [(path: String, node: Node)] = []
    func visit(_ directory: Int, _ prefix: String) {
      for (name, node) in directories[directory].entries.sorted(by: { $0.key < $1.key }) {
        found.append((prefix + name, node))
        if case .directory(let number) = node { visit(number, prefix + name + "/") }
      }
    }
    visit(Self.root, "/")
    return found
  }

  /// True where an unsynchronized operation or a durable name could bring the file back.
  func mayReturn(_ file: Int) -> Bool {
    !operations.isEmpty || directories.contains { $0.durable.values.contains(.file(file)) }
  }

  /// The path's names, `.` and `..` resolved as text.
  static func names(in path: String) -> [String] {
    var names: [String] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/")) {
      let name = Substring(part)
      if name == "." { continue }
      if name == ".." {
        _ = names.popLast()
      } else {
        names.append(String(name))
      }
    }
    return names
  }

  private static func isDirectory(_ node: Node, in numbers: Set<Int>) -> Bool {
    if case .directory(let number) = node { return numbers.contains(number) }
    return false
  }
}

/// Why a path leads nowhere.
enum LookupFailure: Error { case noSuchFile, notADirectory }
