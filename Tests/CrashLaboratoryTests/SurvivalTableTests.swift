import CrashLaboratory
import LogStorage
import Testing

@Suite("The survival table")
struct SurvivalTableTests {
  private func tally(_ change: (inout HistoryTally) -> Void = { _ in }) -> HistoryTally {
    var tally = HistoryTally()
    tally.histories = 10
    tally.powerCuts = 20
    tally.kills = 15
    change(&tally)
    return tally
  }

  private func table(_ cells: [(String, Durability, HistoryTally)]) -> SurvivalTable {
    var outcome = Campaign.Outcome()
    for (backend, durability, tally) in cells {
      outcome.tallies[.init(backend: backend, durability: durability)] = tally
    }
    return SurvivalTable(outcome, firstSeed: 5, seedCount: 100)
  }

  private func row(_ durability: Durability, _ tally: HistoryTally) throws -> SurvivalRow {
    try #require(table([("mmap", durability, tally)]).rows.first)
  }

  @Test("is sorted by backend, and then from the weakest durability to the strongest")
  func isSorted() {
    var cells: [(String, Durability, HistoryTally)] = []
    for backend in ["uring-buffered", "mmap", "uring", "buffered"] {
      for durability in Durability.allCases.reversed() {
        cells.append((backend, durability, tally()))
      }
    }
    let rows = table(cells).rows
    let names = ["buffered", "mmap", "uring", "uring-buffered"]
    #expect(rows.map(\.cell.backend) == names.flatMap { [$0, $0, $0, $0] })
    #expect(rows.prefix(4).map(\.cell.durability) == [.none, .interval, .batch, .group])
    #expect(rows.allSatisfy { $0.firstSeed == 5 && $0.lastSeed == 104 })
  }

  @Test("as CSV has a header, one line a row, and as many fields in each")
  func isCSV() throws {
    let lossy = tally {
      $0.lostRecordsMax = 7
      $0.lostNanosecondsMax = 1_500_001
      $0.recoveryCuts = 3
    }
    let csv = table([
      ("mmap", .interval, lossy), ("mmap", .none, lossy), ("direct", .group, tally()),
    ])
    .csv
    let lines = csv.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.count == 5 && lines.last == "")
    #expect(lines[0] == SurvivalTable.columns.map(\.name).joined(separator: ","))
    #expect(!csv.contains("\""))
    for line in lines.dropLast() {
      #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == 18)
    }
    #expect(lines[1].hasPrefix("direct,group,5,104,10,20,15,0,0,"))
    let fields = Dictionary(
      zip(SurvivalTable.columns.map(\.name), lines[3].split(separator: ",").map(String.init)),
      uniquingKeysWith: { one, _ in one })
    #expect(fields["durability"] == "interval" && fields["backend"] == "mmap")
    #expect(fields["lost_records_max"] == "7")
    #expect(fields["lost_ms_max"] == "2", "rounded up: a bound is never told too low")
    #expect(fields["recovery_cuts"] == "3" && fields["violations"] == "0")
    #expect(table([]).csv == SurvivalTable.columns.map(\.name).joined(separator: ",") + "\r\n")
  }

  @Test("states what each durability keeps, and how much was seen lost")
  func states() throws {
    let lossy = tally { $0.lostNanosecondsMax = 12_000_001 }
    for durability in [Durability.batch, .group] {
      let row = try row(durability, tally())
      #expect(row.statement == "process kill: nothing lost; power cut: nothing lost")
    }
    let seen = " (13 ms seen)"
    #expect(try row(.interval, lossy).powerCut == "flush.ms + a tick + a flush")
    #expect(try row(.interval, lossy).statement.hasSuffix("flush.ms + a tick + a flush" + seen))
    #expect(try row(.none, lossy).powerCut == "any suffix")
    #expect(try row(.none, lossy).statement.hasSuffix("any suffix" + seen))
    for durability in Durability.allCases {
      #expect(try row(durability, tally()).processKill == "nothing lost")
    }
  }

  @Test("says nothing of what was not tried, and of a broken promise only that")
  func statesNothingUntried() throws {
    let idle = tally {
      $0.powerCuts = 0
      $0.kills = 0
    }
    let broken = tally { $0.violations = 1 }
    for durability in Durability.allCases {
      let row = try row(durability, idle)
      #expect(row.processKill == "not tried" && row.powerCut == "not tried")
      let other = try self.row(durability, broken)
      #expect(other.processKill == "a promise is broken")
      #expect(other.powerCut == "a promise is broken")
    }
  }

  @Test("as text has its columns one below the other")
  func isText() {
    let text = table([("uring-buffered", .group, tally()), ("mmap", .none, tally())]).text
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    let words = ["survives", "process kill", "process kill"]
    let places = zip(lines, words).map { line, word in
      line.indices.first { line[$0...].hasPrefix(word) }.map {
        line.distance(from: line.startIndex, to: $0)
      }
    }
    #expect(Set(places).count == 1 && places[0] != nil)
    #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
  }

  @Test("adds what histories were, and keeps the worst of what they lost")
  func addsTallies() {
    var total = tally {
      $0.lostRecordsMax = 3
      $0.lostBytesMax = 100
    }
    total.add(
      tally {
        $0.lostRecordsMax = 2
        $0.lostBytesMax = 400
        $0.violations = 1
      })
    #expect(total.histories == 20 && total.powerCuts == 40 && total.kills == 30)
    #expect(total.lostRecordsMax == 3 && total.lostBytesMax == 400 && total.violations == 1)
    total.add(Loss())
    #expect(total.lossyCuts == 0)
    total.add(Loss(records: 5, bytes: 10, nanoseconds: 9))
    #expect(total.lossyCuts == 1 && total.lostRecords == 5 && total.lostRecordsMax == 5)
    #expect(total.lostNanosecondsMax == 9)
  }
}
