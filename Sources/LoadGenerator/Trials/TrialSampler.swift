import LinuxIO

/// What a sampler read in one second.
package struct SystemSample: Hashable, Sendable, Codable {
  /// Bytes that the block device was asked to write in this second; nil where it has none.
  package var writebackBytes: Int64?
  /// Dirty page-cache bytes of the machine at the second's end.
  package var dirtyBytes: Int64?
  /// Of the process in this second.
  package var cpuSeconds: Double
}

/// Reads the machine's counters once a second while a trial runs, on a thread of its own that sleeps
/// else.
final class TrialSampler {
  private let thread: WorkerThread<[SystemSample]>
  private let isEnding = ServiceThread.Flag()

  /// Samples at whole seconds after `start`.
  init(start: Int64, device: BlockDevice?) throws(SystemCallError) {
    let isEnding = isEnding
    let handed = Handover(try SystemLoadClock())
    thread = try WorkerThread {
      let clock = handed.value
      var samples: [SystemSample] = []
      var last = Reading(device)
      var next = start + 1_000_000_000
      while !isEnding.isSet {
        // Short enough for the trial's end not to wait for it.
        clock.sleep(until: min(next, clock.now() + 20_000_000))
        if clock.now() < next { continue }
        next += 1_000_000_000
        let now = Reading(device)
        samples.append(now.since(last))
        last = now
      }
      samples.append(Reading(device).since(last))
      return samples
    }
  }

  /// Ends it: a sample for each second, the last one of what is left.
  func end() -> [SystemSample] {
    isEnding.set()
    return thread.join() ?? []
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
