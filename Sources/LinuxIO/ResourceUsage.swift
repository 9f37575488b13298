import CLinux

/// What a thread or the process has used so far (`getrusage(2)`).
package struct ResourceUsage: Hashable, Sendable {
  package var userNanoseconds: Int64 = 0
  package var systemNanoseconds: Int64 = 0
  package var minorFaults: Int64 = 0
  package var majorFaults: Int64 = 0
  package var contextSwitches: Int64 = 0

  package enum Scope: Sendable { case thread, process }

  package static func current(_ scope: Scope) -> ResourceUsage {
    var raw = clinux_usage()
    // Fails only for a bad pointer or scope, neither of which can come from here.
    _ = clinux_usage(scope == .thread ? 1 : 0, &raw)
    return ResourceUsage(
      userNanoseconds: raw.user_ns, systemNanoseconds: raw.system_ns,
      minorFaults: raw.minor_faults, majorFaults: raw.major_faults,
      contextSwitches: raw.context_switches)
  }

  package static func - (later: ResourceUsage, earlier: ResourceUsage) -> ResourceUsage {
    ResourceUsage(
      userNanoseconds: later.userNanoseconds - earlier.userNanoseconds,
      systemNanoseconds: later.systemNanoseconds - earlier.systemNanoseconds,
      minorFaults: later.minorFaults - earlier.minorFaults,
      majorFaults: later.majorFaults - earlier.majorFaults,
      contextSwitches: later.contextSwitches - earlier.contextSwitches)
  }
}
