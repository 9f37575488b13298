import LinuxIO
import Synchronization

// The tests' way in: past the calls, the counters and the faults.
extension SimulatedDisk {
  /// Every file's path, sorted.
  package var allPaths: [String] {
    state.withLock { state in
      state.names.walk().compactMap { path, node in
        if case .file = node { path } else { nil }
      }
    }
  }

  /// What a process reads; nil where there is no such file.
  package func contents(of path: String) -> [UInt8]? {
    state.withLock { state in
      state.file(at: path).map { $0.cache.bytes(count: $0.size) }
    }
  }

  /// What is sure to survive a power cut, under whatever name; nil where there is no such file.
  package func durableContents(of path: String) -> [UInt8]? {
    state.withLock { state in
      state.file(at: path).map { $0.durable.bytes(count: $0.durableSize) }
    }
  }

  /// Makes the file, its name and its directories, durable. An open file of that name keeps the
  /// old content.
  package func setContents(of path: String, _ bytes: [UInt8]) {
    state.withLock { $0.place(bytes, at: path) }
  }

  /// Removes a file's name, durably. Who has the file open keeps it.
  package func removeName(_ path: String) {
    state.withLock { state in
      guard case .found(.file(let file))? = try? state.names.look(path),
        let key = try? state.names.key(of: path)
      else { return }
      state.names.place(nil, at: key)
      state.forget(file)
    }
  }

  /// Makes the directory and those above it, durable.
  package func makeDirectory(_ path: String) {
    state.withLock { _ = $0.placeDirectories(Namespace.names(in: path)) }
  }

  /// Bit rot: flips bit `bit % 8` of byte `bit / 8`, on the platter and in the cache. False where
  /// there is no such file or bit.
  @discardableResult
  package func flipBit(of path: String, _ bit: Int) -> Bool {
    state.withLock { state in
      guard case .found(.file(let number))? = try? state.names.look(path),
        bit >= 0, bit / 8 < state.files[number]?.size ?? 0
      else { return false }
      state.files[number]?.flipBit(bit)
      return true
    }
  }

  /// Bytes in use, in whole pages, preallocated ones and open files without a name included.
  package var usedBytes: Int { state.withLock { $0.usedPages * PageTable.pageBytes } }

  /// How many files and directories are open.
  package var openCount: Int { state.withLock { $0.openFiles.count } }

  /// How many mappings there are.
  package var mappedCount: Int { state.withLock { $0.mappings.count } }

  /// Stores to mapped pages that on Linux would have been SIGBUS: past the file's end, or without
  /// space on a full disk.
  package var fatalStoreCount: Int { state.withLock { $0.fatalStoreCount } }

  /// Waits for more of a ring's completions than were under way, which on Linux would never end.
  package var endlessWaitCount: Int { state.withLock { $0.endlessWaitCount } }

  /// What was asked of the disk since it was made or the counters were reset.
  package var counts: DiskCounts { state.withLock { $0.counts } }

  /// What was asked of the files that were opened, or called, by this very path.
  package func counts(of path: String) -> DiskCounts {
    state.withLock { state in
      state.pathNumbers[path].map { state.pathCounts[$0] } ?? DiskCounts()
    }
  }

  /// The paths opened, in order, once for each opening.
  package var openedPaths: [String] { state.withLock { $0.openedPaths } }

  /// Sets the counters and the list of opened paths back; not `operationCount`.
  package func resetCounts() {
    state.withLock { state in
      state.counts = DiskCounts()
      for index in state.pathCounts.indices { state.pathCounts[index] = DiskCounts() }
      state.openedPaths = []
    }
  }

  /// Begins a new trace of all calls.
  package func startTrace() { state.withLock { $0.trace = [] } }

  /// The calls since `startTrace`; empty where it was not called.
  package var trace: [DiskTraceEntry] { state.withLock { $0.trace ?? [] } }
}

extension DiskState {
  func file(at path: String) -> SimulatedFile? {
    guard case .found(.file(let number))? = try? names.look(path) else { return nil }
    return files[number]
  }

  /// The directory's number, made durably where it was missing; a file in the way is replaced.
  mutating func placeDirectories(_ path: [String]) -> Int {
    var directory = Namespace.root
    for name in path {
      let key = Namespace.Key(directory: directory, name: name)
      if case .directory(let next) = names.entry(key) {
        names.place(.directory(next), at: key)
        directory = next
      } else {
        directory = names.addDirectory()
        names.place(.directory(directory), at: key)
      }
    }
    return directory
  }

  mutating func forget(_ file: Int) {
    files[file]?.isLinked = false
    unlinked.append(file)
    releaseSpace(of: file)
  }

  mutating func place(_ bytes: [UInt8], at path: String) {
    let elements = Namespace.names(in: path)
    guard let name = elements.last else { return }
    let key = Namespace.Key(directory: placeDirectories(elements.dropLast()), name: name)
    if case .file(let old) = names.entry(key) { forget(old) }
    var table = PageTable()
    bytes.withUnsafeBytes { table.write($0, at: 0) }
    let file = SimulatedFile(durable: table, size: bytes.count, space: PageSet())
    usedPages += file.space.count
    files.append(file)
    names.place(.file(files.count - 1), at: key)
  }
}
