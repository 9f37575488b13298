import CLinux

/// What a thread or the process has used so far (`getrusage(2)`).
package struct ResourceUsage: Hashable, Sendable {
  package var userNanoseconds: Int64 = 0
  package var systemNanoseconds: Int64 = 0
  package var minorFaults: Int64 = 0
  package var majorFaults: Int64 = 0
  package var contextSwitches: Int64 = 0

  package init() {}

  package enum Scope: Sendable { case thread, process }

  package static func current(_ scope: Scope) -> ResourceUsage {
    var raw = clinux_usage()
    // Fails only for a bad pointer or scope, neither of which can come from here.
    _ = clinux_usage(scope == .thread ? 1 : 0, &raw)
    var usage = ResourceUsage()
    usage.userNanoseconds = raw.user_ns
    usage.systemNanoseconds = raw.system_ns
    usage.minorFaults = raw.minor_faults
    usage.majorFaults = raw.major_faults
    usage.contextSwitches = raw.context_switches
    return usage
  }

  package static func - (later: ResourceUsage, earlier: ResourceUsage) -> ResourceUsage {
    var usage = later
    usage.userNanoseconds -= earlier.userNanoseconds
    usage.systemNanoseconds -= earlier.systemNanoseconds
    usage.minorFaults -= earlier.minorFaults
    usage.majorFaults -= earlier.majorFaults
    usage.contextSwitches -= earlier.contextSwitches
    return usage
  }
}
