import Glibc
import LinuxIO

// The calls on names.
extension DiskState {
  mutating func open(
    _ path: String, _ opening: FileOpening
  ) throws(SystemCallError) -> FileNumber {
    let pathNumber = number(of: path)
    if let fault = try begin(.open, pathNumber) { throw fault.naming(path) }
    let node: Namespace.Node
    switch try look(path, .open) {
    case .found(let found):
      if opening.creation == .mustBeNew { throw error(.open, .fileExists, path) }
      if case .directory = found, opening.access == .readWrite || opening.creation != .never {
        throw error(.open, ErrorNumber(rawValue: EISDIR), path)
      }
      node = found
    case .missing(let key):
      if opening.creation == .never { throw error(.open, .noSuchFile, path) }
      try checkOpening(opening, path)
      files.append(SimulatedFile())
      node = .file(files.count - 1)
      names.perform(Namespace.Operation(changes: [.init(key: key, after: node)]))
    }
    try checkOpening(opening, path)
    if case .file(let file) = node { files[file]?.openCount += 1 }
    let number = nextNumber
    nextNumber += 1
    openFiles[number] = OpenFile(node: node, path: pathNumber, opening: opening)
    openedPaths.append(path)
    return FileNumber(rawValue: number)
  }

  mutating func size(ofFileAt path: String) throws(SystemCallError) -> Int64? {
    if let fault = try begin(.status, number(of: path)) { throw fault.naming(path) }
    do throws(LookupFailure) {
      guard case .found(let node) = try names.look(path) else { return nil }
      return sizeOf(node)
    } catch {
      if error == .noSuchFile { return nil }
      throw self.error(.status, .notADirectory, path)
    }
  }

  mutating func rename(_ path: String, to newPath: String) throws(SystemCallError) {
    if let fault = try begin(.rename, number(of: path)) { throw fault.naming(path) }
    guard let source = try key(path, .rename), let target = try key(newPath, .rename, path) else {
      throw error(.rename, ErrorNumber(rawValue: EBUSY), path)
    }
    guard let node = names.entry(source) else { throw error(.rename, .noSuchFile, path) }
    let replaced = names.entry(target)
    if replaced == node { return }
    if case .directory(let moved) = node, isInside(target.directory, moved) {
      throw error(.rename, .invalidArgument, path)
    }
    if case .directory(let old) = replaced, isInside(source.directory, old) {
      throw error(.rename, .directoryNotEmpty, path)
    }
    switch (node, replaced) {
    case (.directory, .file): throw error(.rename, .notADirectory, path)
    case (.file, .directory): throw error(.rename, ErrorNumber(rawValue: EISDIR), path)
    case (.directory, .directory(let old)) where !names.entries(of: old).isEmpty:
      throw error(.rename, .directoryNotEmpty, path)
    default: break
    }
    var operation = Namespace.Operation(changes: [
      .init(key: source, after: nil), .init(key: target, after: node),
    ])
    if case .directory(let old) = replaced { operation.removedDirectory = old }
    names.perform(operation)
    unlink(replaced)
  }

  mutating func remove(_ path: String) throws(SystemCallError) {
    if let fault = try begin(.remove, number(of: path)) { throw fault.naming(path) }
    guard let key = try key(path, .remove), let node = names.entry(key) else {
      let isRoot = Namespace.names(in: path).isEmpty
      throw error(.remove, isRoot ? ErrorNumber(rawValue: EISDIR) : .noSuchFile, path)
    }
    guard case .file = node else { throw error(.remove, ErrorNumber(rawValue: EISDIR), path) }
    names.perform(Namespace.Operation(changes: [.init(key: key, after: nil)]))
    unlink(node)
  }

  mutating func createDirectory(_ path: String) throws(SystemCallError) {
    if let fault = try begin(.createDirectory, number(of: path)) { throw fault.naming(path) }
    switch try look(path, .createDirectory) {
    case .found: throw error(.createDirectory, .fileExists, path)
    case .missing(let key):
      let made = names.addDirectory()
      names.perform(Namespace.Operation(changes: [.init(key: key, after: .directory(made))]))
    }
  }

  mutating func removeDirectory(_ path: String) throws(SystemCallError) {
    if let fault = try begin(.removeDirectory, number(of: path)) { throw fault.naming(path) }
    guard let key = try key(path, .removeDirectory) else {
      throw error(.removeDirectory, ErrorNumber(rawValue: EBUSY), path)
    }
    switch names.entry(key) {
    case nil: throw error(.removeDirectory, .noSuchFile, path)
    case .file: throw error(.removeDirectory, .notADirectory, path)
    case .directory(let number):
      guard names.entries(of: number).isEmpty else {
        throw error(.removeDirectory, .directoryNotEmpty, path)
      }
      names.perform(
        Namespace.Operation(changes: [.init(key: key, after: nil)], removedDirectory: number))
    }
  }

  mutating func list(_ path: String) throws(SystemCallError) -> [DirectoryEntry] {
    if let fault = try begin(.list, number(of: path)) { throw fault.naming(path) }
    switch try look(path, .list) {
    case .missing: throw error(.list, .noSuchFile, path)
    case .found(.file): throw error(.list, .notADirectory, path)
    case .found(.directory(let number)):
      return names.entries(of: number).sorted { $0.key < $1.key }.map { name, node in
        if case .directory = node { return DirectoryEntry(name: name, isDirectory: true) }
        return DirectoryEntry(name: name, isDirectory: false)
      }
    }
  }

  mutating func synchronizeDirectory(_ path: String) throws(SystemCallError) {
    let fault = try begin(.synchronizeDirectory, number(of: path))
    // The conformer opens the directory first: a missing one is that call's error.
    switch try look(path, .open) {
    case .missing: throw error(.open, .noSuchFile, path)
    case .found(.directory(let directory)):
      if let fault { throw fault.naming(path) }
      names.synchronize(directory)
      sweepUnlinked()
    case .found(.file(let file)):
      if let fault {
        files[file]?.failSynchronization()
        throw fault.naming(path)
      }
      files[file]?.synchronize()
    }
  }

  private mutating func unlink(_ node: Namespace.Node?) {
    guard case .file(let file) = node else { return }
    files[file]?.isLinked = false
    unlinked.append(file)
    releaseSpace(of: file)
  }

  private func checkOpening(_ opening: FileOpening, _ path: String) throws(SystemCallError) {
    if opening.direct && options.directAlignment == nil {
      throw error(.open, .invalidArgument, path)
    }
    if openFiles.count >= plan.openFilesMax { throw error(.open, .tooManyOpenFiles, path) }
  }

  /// True where `directory` is `ancestor` or below it.
  private func isInside(_ directory: Int, _ ancestor: Int) -> Bool {
    if directory == ancestor { return true }
    return names.entries(of: ancestor).values.contains { node in
      if case .directory(let below) = node { return isInside(directory, below) }
      return false
    }
  }

  private func look(
    _ path: String, _ operation: DiskOperation
  ) throws(SystemCallError) -> Namespace.Lookup {
    do throws(LookupFailure) { return try names.look(path) } catch {
      throw self.error(
        operation, error == .noSuchFile ? .noSuchFile : .notADirectory, path)
    }
  }

  private func key(
    _ path: String, _ operation: DiskOperation, _ named: String? = nil
  ) throws(SystemCallError) -> Namespace.Key? {
    do throws(LookupFailure) { return try names.key(of: path) } catch {
      throw self.error(
        operation, error == .noSuchFile ? .noSuchFile : .notADirectory, named ?? path)
    }
  }

  private func error(
    _ operation: DiskOperation, _ number: ErrorNumber, _ path: String
  ) -> SystemCallError {
    SystemCallError(operation.systemCall, number, path: path)
  }
}
