import Foundation
import Measurements

/// How a trial ended.
package enum TrialStatus: String, CaseIterable, Hashable, Sendable, Codable {
  /// `saturated`: less than 95 % of what was offered was achieved; its numbers stand.
  case ok, saturated, skipped, failed

  /// True where the row has numbers.
  package var isMeasured: Bool { self == .ok || self == .saturated }
}

/// Which of two builds that a run compares made a trial.
package enum ComparedBuild: String, CaseIterable, Hashable, Sendable, Codable {
  /// The one that runs the suite.
  case this
  /// The one that it is compared with.
  case base
}

/// One trial's row: what was asked, and what was measured. Nil is unknown, and never zero.
package struct TrialResult: Hashable, Sendable, Codable {
  package var suite: String
  package var trial: SuitePlan.Trial
  package var commit: String
  package var parameters: TrialParameters
  package var status = TrialStatus.ok
  package var reason: String?
  /// Nil where the run compares no builds.
  package var build: ComparedBuild?

  package var records: Int64?
  package var bytes: Int64?
  package var errors: Int64?
  package var seconds: Double?
  package var response: LatencySummary?
  package var service: LatencySummary?
  package var endToEnd: LatencySummary?
  package var scheduleDelay: LatencySummary?
  package var load: LoadCounts?
  /// Records per second that the same producers, records and batches reach into the target
  /// `generator`.
  package var generatorCeiling: Double?
  /// Of a search: the highest rate that kept to the bound, and the rates that were tried.
  package var sustainableRecordsPerSecond: Double?
  package var searchProbes: String?

  /// During the run: of the process, with producers and consumers where there are any, or where a
  /// log is sent, of the thread that sends it.
  package var cpuUserSeconds: Double?
  package var cpuSystemSeconds: Double?
  /// Of the thread that took in what was sent, until the last byte.
  package var receiverCPUSeconds: Double?
  /// Sends with MSG_ZEROCOPY, and those among them that the kernel copied after all.
  package var zeroCopySends: Int64?
  package var zeroCopyFallbacks: Int64?
  /// Of the thread that drove the target, during the run.
  package var threadCPUSeconds: Double?
  /// Of all threads of the trial's process, during the run and the final sync.
  package var processCPUSeconds: Double?
  /// Of every process and kernel thread, during the run and the final sync: the kernel writes back
  /// in threads that are in no process's account.
  package var machineCPUSeconds: Double?
  package var machineStealSeconds: Double?
  package var minorFaults: Int64?
  package var majorFaults: Int64?
  package var contextSwitches: Int64?
  /// During the run and the final sync.
  package var deviceWriteBytes: Int64?
  package var rssPeakMebibytes: Double?
  /// Throughput as a share of the bare calls' in the same block.
  package var syscallsRatio: Double?

  /// `warm` or `cold` as it was; nil where the trial does not touch the page cache.
  package var memory: MemoryState?
  /// False where dirty pages of others were still being written when the trial began.
  package var drained: Bool?
  /// Making durable what the run left, apart from the run.
  package var finalSyncSeconds: Double?

  /// The counts of a load; setting one makes the trial a load.
  var counts: LoadCounts {
    get { load ?? LoadCounts() }
    set { load = newValue }
  }

  package subscript(kind: LatencyKind) -> LatencySummary? {
    get {
      switch kind {
      case .response: response
      case .service: service
      case .endToEnd: endToEnd
      case .scheduleDelay: scheduleDelay
      }
    }
    set {
      switch kind {
      case .response: response = newValue
      case .service: service = newValue
      case .endToEnd: endToEnd = newValue
      case .scheduleDelay: scheduleDelay = newValue
      }
    }
  }

  package init(
    suite: String, trial: SuitePlan.Trial, commit: String, parameters: TrialParameters
  ) {
    self.suite = suite
    self.trial = trial
    self.commit = commit
    self.parameters = parameters
  }

  package var megabytesPerSecond: Double? { Self.quotient(bytes.map { Double($0) / 1e6 }, seconds) }

  /// Bytes over the time of the run and of the final sync: what the disk took.
  package var durableMegabytesPerSecond: Double? {
    guard let seconds, let finalSyncSeconds else { return nil }
    return Self.quotient(bytes.map { Double($0) / 1e6 }, seconds + finalSyncSeconds)
  }

  package var achievedRecordsPerSecond: Double? { Self.quotient(records.map(Double.init), seconds) }

  /// User and system time of the system under test.
  package var cpuSecondsPerGigabyte: Double? {
    // What was there before is read and sent too, and is in no row's bytes.
    if load?.catchUpBytes != nil { return nil }
    guard let cpuUserSeconds, let cpuSystemSeconds else { return nil }
    let seconds = load?.targetCPUSeconds ?? cpuUserSeconds + cpuSystemSeconds
    return Self.quotient(Self.asWritten(seconds, digits: 6), gigabytes)
  }

  /// Of a load with consumers: for what was appended and what was delivered.
  package var cpuSecondsPerMovedGigabyte: Double? {
    guard let bytes, let consumed = load?.consumedBytes, let seconds = load?.targetCPUSeconds
    else { return nil }
    return Self.quotient(Self.asWritten(seconds, digits: 6), Double(bytes + consumed) / 1e9)
  }

  package var receiverCPUSecondsPerGigabyte: Double? {
    Self.quotient(
      receiverCPUSeconds.map { Self.asWritten($0, digits: 9) },
      load?.consumedBytes.map { Double($0) / 1e9 } ?? gigabytes)
  }

  /// What the slowest consumer read until it had all that there was.
  package var catchUpMegabytesPerSecond: Double? {
    Self.quotient(load?.catchUpBytes.map { Double($0) / 1e6 }, load?.catchUpSeconds)
  }

  package var machineCPUSecondsPerGigabyte: Double? {
    Self.quotient(machineCPUSeconds.map { Self.asWritten($0, digits: 9) }, gigabytes)
  }

  private var gigabytes: Double? { bytes.map { Double($0) / 1e9 } }

  /// As `trials.csv` has it, so that what is computed from it is the same when it is read back.
  static func asWritten(_ seconds: Double, digits: Int) -> Double {
    Double(String(format: "%.\(digits)f", seconds)) ?? seconds
  }

  static func quotient(_ dividend: Double?, _ divisor: Double?) -> Double? {
    guard let dividend, let divisor, divisor > 0 else { return nil }
    return dividend / divisor
  }
}
