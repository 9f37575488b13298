import CLinux

/// The process's memory.
package enum ProcessMemory {
  /// Gives what is free back to the system (`malloc_trim(3)`). Takes a millisecond for some dozens
  /// of megabytes, in which other threads' allocations wait.
  package static func giveBack() { clinux_release_memory() }
}
