import CrashLaboratory
import LinuxIO
import LogStorage
import SimulatedStorage
import TestSupport

/// The backends that histories run over here.
enum LaboratoryBackends: CaseIterable, Sendable {
  /// All that ship in one list, so that histories change from one to another.
  case shipping
  /// Alone: they have the freedom of an asynchronous backend, and are never shipped.
  case deferredBuffered, deferredDirect

  var list: [CrashBackend] {
    switch self {
    case .shipping: BackendUnderTest.shipping.map(\.crashBackend)
    case .deferredBuffered: [BackendUnderTest.deferredBuffered.crashBackend]
    case .deferredDirect: [BackendUnderTest.deferredDirect.crashBackend]
    }
  }
}

/// What a history written by hand is of, unless it says otherwise: nothing in it is drawn.
func handMadeSetup(
  _ durability: Durability, _ change: (inout HistorySetup) -> Void = { _ in }
) -> HistorySetup {
  var setup = HistorySetup(
    backend: 0, durability: durability, preallocation: nil, partitionCount: 1,
    segmentBytes: 10_000, indexIntervalBytes: 500, retentionBytes: nil,
    retentionMilliseconds: nil, flushMilliseconds: 10, flushBytes: 1 << 20, queueDepth: 4,
    granule: .page, directOffsetAlignment: 512, diskSeed: 1)
  change(&setup)
  return setup
}

extension HistoryStep {
  /// One append of one batch.
  static func append(_ recordCount: Int = 1, valueBytes: Int = 100) -> HistoryStep {
    .append(
      partition: 0,
      batches: [.init(recordCount: recordCount, valueBytes: valueBytes, ageMilliseconds: 0)])
  }
}

extension [HistoryStep] {
  /// These steps, and then a power cut, for each of some seeds: one of them at least keeps nothing of
  /// what was not synchronized.
  static func beforeCuts(_ steps: HistoryStep...) -> [HistoryStep] {
    (0..<16).flatMap { steps + [.powerCut(seed: $0, HistoryStep.Recovery())] }
  }
}

/// The lines that a run tells, from whatever thread.
final class Account: Sendable {
  private let gathered = Lock<[String]>([])
  var lines: [String] { gathered.withLock { $0 } }
  func add(_ line: String) { gathered.withLock { $0.append(line) } }
}
