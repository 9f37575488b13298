import CrashLaboratory
import LinuxIO
import LogStorage
import Synchronization
import TestSupport
import Testing

@Suite("A campaign")
struct CampaignTests {
  private static let wrong = [WrongBackend.crashBackend(.flushesNothing)]

  @Test("comes to the same tallies with two threads as with one")
  func isTheSameWithMoreThreads() throws {
    let generator = HistoryGenerator(LaboratoryBackends.shipping.list)
    let one = try Campaign(generator, seeds: 100..<200).run()
    let two = try Campaign(generator, seeds: 100..<200, jobs: 2).run()
    #expect(one.tallies == two.tallies)
    #expect(one.historyCount == 100 && two.historyCount == 100)
    #expect(one.failure == nil && two.failure == nil)
    let names = Set(one.tallies.keys.map(\.backend))
    #expect(names == Set(LaboratoryBackends.shipping.list.map(\.name)))
  }

  @Test("reports the lowest seed that fails, whatever the number of threads")
  func reportsTheLowest() throws {
    let generator = HistoryGenerator(Self.wrong, durabilities: [.batch, .group])
    for first in [UInt64(0), 40, 77] {
      let lowest = (first..<(first + 200)).first { seed in
        HistoryRun(generator.history(seed: seed), Self.wrong).verdict().violation != nil
      }
      #expect(lowest != nil)
      for jobs in 1...3 {
        let outcome = try Campaign(generator, seeds: first..<(first + 200), jobs: jobs).run()
        #expect(outcome.failure?.history.seed == lowest, "\(jobs) jobs from seed \(first)")
        #expect(outcome.historyCount < 200 || jobs > 1)
      }
    }
  }

  @Test("ends soon after its progress says that it is to stop", arguments: [1, 2])
  func stops(_ jobs: Int) throws {
    let generator = HistoryGenerator([BackendUnderTest.buffered.crashBackend])
    let outcome = try Campaign(generator, seeds: 0..<100_000, jobs: jobs).run { _ in false }
    // What each thread had begun is run to its end.
    #expect((1...(32 * jobs)).contains(outcome.historyCount))
    #expect(outcome.failure == nil)
  }

  @Test("tells its progress as it goes, up to the number of its seeds")
  func tellsProgress() throws {
    let told = Lock<[Int]>([])
    let generator = HistoryGenerator([BackendUnderTest.buffered.crashBackend])
    _ = try Campaign(generator, seeds: 5..<105).run { count in
      told.withLock { $0.append(count) }
      return true
    }
    #expect(told.withLock { $0 } == [32, 64, 96, 100])
  }

  @Test("runs the very last seeds there are, and no seed where it has none")
  func runsLastSeeds() throws {
    let generator = HistoryGenerator([BackendUnderTest.buffered.crashBackend])
    let last = try Campaign(generator, seeds: (UInt64.max - 5)..<UInt64.max, jobs: 2).run()
    #expect(last.historyCount == 5)
    #expect(try Campaign(generator, seeds: 7..<7).run().historyCount == 0)
    #expect(Campaign(generator, seeds: 0..<1, jobs: -3).jobs == 1)
  }
}
