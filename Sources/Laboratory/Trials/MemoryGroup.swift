import Glibc
import LinuxIO
import Targets

/// A control group that this process moves into, so that its memory, and the page cache that it fills,
/// stay within a limit (`cgroups(7)`, version 1 or 2).
package struct MemoryGroup {
  private let path: String
  /// Where the process was.
  private let home: String

  /// Makes the group and moves in. Throws `TrialSkipped` where the system does not let us.
  init(limitBytes: Int64) throws(TrialSkipped) {
    guard let place = Self.place() else {
      throw TrialSkipped("memory_limit: this system has no memory cgroups to make a group in")
    }
    path = Self.path(in: place, of: getpid())
    home = place.home
    do { try LinuxFileIO().createDirectory(path) } catch {
      throw TrialSkipped(
        "memory_limit: no group can be made in \(place.parent) (\(error.number)); run as root, or in "
          + "a group that is delegated")
    }
    let file = place.isUnified ? "memory.max" : "memory.limit_in_bytes"
    guard KernelText.write("\(limitBytes)", to: "\(path)/\(file)") else {
      try? LinuxFileIO().removeDirectory(path)
      throw TrialSkipped("memory_limit: \(path)/\(file) cannot be written")
    }
    guard KernelText.write("\(getpid())", to: "\(path)/cgroup.procs") else {
      try? LinuxFileIO().removeDirectory(path)
      throw TrialSkipped("memory_limit: the process cannot move into \(path)")
    }
  }

  /// Why no group can be made here, in words; nil where one can.
  package static var reasonAgainst: String? {
    do {
      try MemoryGroup(limitBytes: 1 << 40).leave()
      return nil
    } catch { return "\(error)" }
  }

  /// Moves back, and removes the group.
  func leave() {
    _ = KernelText.write("\(getpid())", to: "\(home)/cgroup.procs")
    Self.remove(path)
  }

  /// Removes what a process that was killed has left.
  static func remove(of process: Int32) {
    guard let place = place() else { return }
    let path = path(in: place, of: process)
    if exists(path) { remove(path) }
  }

  private static func path(in place: Place, of process: Int32) -> String {
    "\(place.parent)/varve-\(process)"
  }

  /// A group is busy until the kernel has seen its last process go.
  private static func remove(_ path: String) {
    for _ in 0..<50 {
      do {
        try LinuxFileIO().removeDirectory(path)
        return
      } catch { usleep(10_000) }
    }
  }

  private struct Place {
    let home: String
    /// Where a group can be made: below the process's own in version 1; beside it in version 2, where
    /// a group with processes has no groups with limits in it.
    let parent: String
    let isUnified: Bool
  }

  /// Lines of /proc/self/cgroup are `id:controllers:path`.
  private static func place() -> Place? {
    var unified: String?
    for line in (KernelText.read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let path = parts[2] == "/" ? "" : String(parts[2])
      if parts[1].split(separator: ",").contains("memory") {
        let home = "/sys/fs/cgroup/memory\(path)"
        // Within a container the path may be one of the host's.
        let seen = exists("\(home)/cgroup.procs") ? home : "/sys/fs/cgroup/memory"
        return Place(home: seen, parent: seen, isUnified: false)
      }
      if parts[1].isEmpty { unified = path }
    }
    guard let unified else { return nil }
    let home = "/sys/fs/cgroup\(unified)"
    let parent = unified.isEmpty ? home : parentDirectory(of: home)
    let controllers = KernelText.line("\(parent)/cgroup.subtree_control") ?? ""
    guard controllers.split(separator: " ").contains("memory") else { return nil }
    return Place(home: home, parent: parent, isUnified: true)
  }

  private static func exists(_ path: String) -> Bool {
    (try? LinuxFileIO().size(ofFileAt: path)) ?? nil != nil
  }
}
