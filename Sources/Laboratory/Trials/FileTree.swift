import LinuxIO

/// Folders and what is in them.
package enum FileTree {
  /// Removes the folder at `path` and everything below it; nothing where there is none. Symbolic
  /// links are removed, not followed.
  package static func remove(_ path: String) throws(SystemCallError) {
    let io = LinuxFileIO()
    guard try io.size(ofFileAt: path) != nil else { return }
    for entry in try io.list(path) {
      let child = "\(path)/\(entry.name)"
      if entry.isDirectory { try remove(child) } else { try io.remove(child) }
    }
    try io.removeDirectory(path)
  }

  /// `mkdir -p`.
  package static func create(_ path: String) throws(SystemCallError) {
    let io = LinuxFileIO()
    if try io.size(ofFileAt: path) != nil { return }
    let parent = parentDirectory(of: path)
    if parent != path, parent != "." { try create(parent) }
    do { try io.createDirectory(path) } catch {
      if error.number != .fileExists { throw error }
    }
  }
}
