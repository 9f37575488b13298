import LinuxIO
import LogStorage
import Synchronization

/// Runs the histories of many seeds, on as many threads as it is given.
package struct Campaign: Sendable {
  /// Whose tally it is.
  package struct Cell: Hashable, Sendable {
    package let backend: String
    package let durability: Durability
    package init(backend: String, durability: Durability) {
      self.backend = backend
      self.durability = durability
    }
  }

  package struct Failure: Hashable, Sendable {
    package let history: History
    package let violation: Violation

    package init(
      history: History, violation: Violation
    ) {
      self.history = history
      self.violation = violation
    }
  }

  package struct Outcome: Sendable {
    package var tallies: [Cell: HistoryTally] = [:]
    /// That of the lowest seed; the seeds after it were not all run.
    package var failure: Failure?

    package init() {}

    package var historyCount: Int { tallies.values.reduce(0) { $0 + $1.histories } }
  }

  package let generator: HistoryGenerator
  package let seeds: Range<UInt64>
  package let jobs: Int

  package init(_ generator: HistoryGenerator, seeds: Range<UInt64>, jobs: Int = 1) {
    self.generator = generator
    self.seeds = seeds
    self.jobs = max(1, jobs)
  }

  /// Runs them all, up to the first that fails. `progress` is told how many are done, from any of the
  /// threads; it returns false to stop.
  package func run(
    progress: @escaping @Sendable (Int) -> Bool = { _ in true }
  ) throws(SystemCallError) -> Outcome {
    let shared = SharedCampaign(self, progress)
    var threads: [WorkerThread<Outcome>] = []
    for _ in 1..<jobs { threads.append(try WorkerThread(Self.worker(shared))) }
    var outcome = shared.work()
    for thread in threads {
      if let other = thread.join() { outcome.add(other) }
    }
    return outcome
  }

  private static func worker(_ shared: SharedCampaign) -> @Sendable () -> Outcome {
    { shared.work() }
  }
}

extension Campaign.Outcome {
  mutating func add(_ other: Campaign.Outcome) {
    for (cell, tally) in other.tallies { tallies[cell, default: HistoryTally()].add(tally) }
    guard let theirs = other.failure else { return }
    if let ours = failure, ours.history.seed <= theirs.history.seed { return }
    failure = theirs
  }
}

/// What the threads of a campaign share: how many seeds were taken, and the seed past which nobody need
/// look.
private final class SharedCampaign: Sendable {
  private static let chunk: UInt64 = 32

  private let campaign: Campaign
  private let progress: @Sendable (Int) -> Bool
  /// Counted from the first seed, so that seeds up to the largest number there is do not overflow.
  private let taken = Atomic<UInt64>(0)
  private let end: Atomic<UInt64>
  private let done = Atomic(0)

  init(_ campaign: Campaign, _ progress: @escaping @Sendable (Int) -> Bool) {
    self.campaign = campaign
    self.progress = progress
    end = Atomic(campaign.seeds.upperBound)
  }

  func work() -> Campaign.Outcome {
    var outcome = Campaign.Outcome()
    let seeds = campaign.seeds
    let seedCount = seeds.upperBound - seeds.lowerBound
    while true {
      let place = taken.add(Self.chunk, ordering: .relaxed).oldValue
      if place >= seedCount { return outcome }
      let first = seeds.lowerBound + place
      if first >= end.load(ordering: .relaxed) { return outcome }
      for seed in first..<(first + min(Self.chunk, seedCount - place)) {
        if seed >= end.load(ordering: .relaxed) { break }
        run(seed, &outcome)
      }
      let count = done.add(Int(Self.chunk), ordering: .relaxed).newValue
      if !progress(min(count, campaign.seeds.count)) { end.store(0, ordering: .relaxed) }
    }
  }

  private func run(_ seed: UInt64, _ outcome: inout Campaign.Outcome) {
    let backends = campaign.generator.backends
    let history = campaign.generator.history(seed: seed)
    let verdict = HistoryRun(history, backends).verdict()
    let cell = Campaign.Cell(
      backend: backends[history.setup.backend].name, durability: history.setup.durability)
    outcome.tallies[cell, default: HistoryTally()].add(verdict.tally)
    guard let violation = verdict.violation else { return }
    if let known = outcome.failure, known.history.seed < seed { return }
    outcome.failure = Campaign.Failure(history: history, violation: violation)
    _ = end.min(seed, ordering: .relaxed)
  }
}
