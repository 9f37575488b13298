import LinuxIO
import Measurements
import Suites
import Targets

/// Reads the machine's counters once a second while a trial runs, on a thread of its own that sleeps
/// else.
final class TrialSampler {
  private let thread: WorkerThread<(samples: [SystemSample], usage: ResourceUsage)>
  private let ending: EventSignal

  /// Samples at whole seconds after `start`.
  init(start: Int64, device: BlockDevice?) throws(SystemCallError) {
    ending = try EventSignal()
    let poll = try EventPoll()
    try poll.add(ending, tag: 0)
    // SAFETY: only the thread uses it from now on.
    let handed = Handover(poll)
    thread = try WorkerThread(Self.body(handed, start, device))
  }

  private static func body(
    _ poll: Handover<EventPoll>, _ start: Int64, _ device: BlockDevice?
  ) -> @Sendable () -> (samples: [SystemSample], usage: ResourceUsage) {
    {
      let before = ResourceUsage.current(.thread)
      let samples = sample(poll.value, start, device)
      return (samples, ResourceUsage.current(.thread) - before)
    }
  }

  /// Ends it: a sample for each second, the last one of what is left; and what sampling cost.
  func end() -> (samples: [SystemSample], usage: ResourceUsage) {
    ending.raise()
    return thread.join() ?? ([], ResourceUsage())
  }

  private static func sample(
    _ poll: EventPoll, _ start: Int64, _ device: BlockDevice?
  ) -> [SystemSample] {
    var samples: [SystemSample] = []
    var last = Reading(device)
    var next = start + 1_000_000_000
    var isEnding = false
    while !isEnding {
      let left = max(0, next - MonotonicClock.nanoseconds())
      try? poll.wait(milliseconds: Int(left / 1_000_000) + 1) { _, _ in isEnding = true }
      if !isEnding && MonotonicClock.nanoseconds() < next { continue }
      next += 1_000_000_000
      let now = Reading(device)
      samples.append(now.since(last))
      last = now
    }
    return samples
  }

  private struct Reading {
    let written: Int64?
    let dirty: Int64?
    let usage: ResourceUsage

    init(_ device: BlockDevice?) {
      written = device?.writeBytes()
      dirty = KernelText.bytes("Dirty", in: "/proc/meminfo")
      usage = .current(.process)
    }

    func since(_ last: Reading) -> SystemSample {
      let used = usage - last.usage
      let bytes = written.flatMap { now in last.written.map { now - $0 } }
      return SystemSample(
        writebackBytes: bytes, dirtyBytes: dirty,
        cpuSeconds: Double(used.userNanoseconds + used.systemNanoseconds) / 1e9)
    }
  }
}
