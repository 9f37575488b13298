import LogStorage
import Suites
import Testing

struct SuitePlanTests {
  private static let star = """
    suite: star
    repeats: 4
    warmup: 1
    seed: 3
    baseline: {backend: buffered}
    defaults: {backend: buffered, durability: none, bytes: 1MiB}
    axes:
      backend: [buffered, direct]
      durability: [none, batch]
    """

  @Test func `a star is the defaults and one axis varied at a time`() throws {
    let plan = SuitePlan(try Fixtures.suite(Self.star))
    #expect(
      plan.cells.map(\.label) == [
        "buffered durability=none", "direct durability=none",
        "buffered durability=batch",
      ])
    #expect(plan.cells.map(\.baseline) == [nil, 0, nil])
    #expect(plan.tellingKeys == [.backend, .durability])
  }

  @Test func `a cross is every combination, and a cell that comes up twice runs once`() throws {
    let plan = SuitePlan(
      try Fixtures.suite(
        Self.star + """

          crosses:
            all: {axes: {backend: [buffered, direct], durability: [none, batch]}}
            again: {with: {durability: batch}, axes: {backend: [direct, buffered]}}
          """))
    #expect(plan.cells.count == 4)
    #expect(plan.cells.last?.label == "direct durability=batch")
    #expect(plan.cells.last?.baseline == 2)
  }

  @Test func `with crosses alone the defaults are no cell of their own`() throws {
    let plan = SuitePlan(
      try Fixtures.suite(
        "suite: a\ncrosses: {x: {with: {bytes: 5}, axes: {backend: [direct, buffered]}}}"))
    #expect(plan.cells.count == 2)
    #expect(plan.cells.allSatisfy { $0.parameters.length == .bytes(5) })
  }

  @Test func `a key that changes along with another is not in the labels`() throws {
    let plan = SuitePlan(
      try Fixtures.suite(
        """
        suite: a
        crosses:
          x: {with: {durability: none, bytes: 1GiB}, axes: {backend: [buffered, direct]}}
          y: {with: {durability: batch, bytes: 1MiB}, axes: {backend: [buffered, direct]}}
        """))
    #expect(plan.tellingKeys == [.backend, .durability])
  }

  @Test func `a suite without axes is one cell`() throws {
    let plan = SuitePlan(try Fixtures.suite("suite: a"))
    #expect(plan.cells.map(\.label) == ["all"])
  }

  @Test func `bare calls are the reference of the log's cells, whatever the payload`() throws {
    let plan = SuitePlan(
      try Fixtures.suite(
        """
        suite: a
        crosses:
          x:
            axes:
              target: [log, syscalls]
              payload: [synthetic, flights]
              backend: [buffered, direct]
        """))
    #expect(
      plan.cells.map(\.parameters.target) == Array(repeating: "log", count: 4) + [
        "syscalls", "syscalls",
      ])
    #expect(plan.cells.map(\.reference) == [4, 5, 4, 5, nil, nil])
    #expect(plan.cells.last?.label == "syscalls direct")
  }

  @Test func `--set is stronger than defaults, with and axes`() throws {
    let text = """
      suite: a
      defaults: {bytes: 1MiB}
      axes: {backend: [buffered, direct]}
      crosses:
        x: {with: {bytes: 2MiB}, axes: {durability: [none, batch]}}
      """
    let plan = SuitePlan(try Fixtures.suite(text, overrides: ["batches=3", "backend=direct"]))
    #expect(plan.cells.count == 2)
    #expect(plan.cells.allSatisfy { $0.parameters.length == .batches(3) })
    #expect(plan.cells.allSatisfy { $0.parameters.backend == "direct" })
  }

  @Test func `each block holds each cell once, and orders differ`() throws {
    let plan = SuitePlan(try Fixtures.suite(Self.star))
    #expect(plan.trials.count == 15)
    #expect(plan.trials.prefix(3).allSatisfy { $0.block == 0 })
    for block in 0...4 {
      let trials = plan.trials.filter { $0.block == block }
      #expect(trials.map(\.cell).sorted() == [0, 1, 2])
      #expect(trials.map(\.position) == [1, 2, 3])
    }
    #expect(
      Set((0...4).map { block in plan.trials.filter { $0.block == block }.map(\.cell) }).count > 1)
    #expect(Set(plan.trials.map(\.id)).count == 15)
    #expect(plan.trials.first { $0.cell == 1 && $0.block == 2 }?.id == "c02-b2")
  }

  @Test func `the order comes from the seed`() throws {
    let suite = try Fixtures.suite(Self.star)
    var other = suite
    other.seed = 4
    #expect(SuitePlan(suite) == SuitePlan(suite))
    #expect(SuitePlan(suite).trials != SuitePlan(other).trials)
    #expect(SuitePlan(suite, repeats: 2).trials.count == 9)
  }

  @Test func `a trial's length rounds up to whole batches`() {
    var parameters = TrialParameters()
    parameters.batchBytes = 1000
    parameters.length = .bytes(2001)
    #expect(parameters.plannedBatches == 3 && parameters.plannedBytes == 3000)
    parameters.length = .bytes(2000)
    #expect(parameters.plannedBatches == 2)
    parameters.length = .batches(5)
    #expect(parameters.plannedBytes == 5000)
    parameters.recordBytes = 100
    parameters.length = .records(11)
    #expect(parameters.plannedBatches == 2)
    parameters.length = .records(.max)
    #expect(parameters.plannedBytes == .max)
  }
}

/// Suites that send a log.
struct TransferPlanTests {
  private static let suite = """
    suite: sent
    baseline: {transfer: copy}
    also: [cpu_s_per_gb]
    defaults: {bytes: 2GiB, prefill_bytes: 1MiB}
    crosses:
      all:
        axes:
          target: [transfer, syscalls-transfer]
          backend: [buffered, direct]
          transfer: [copy, sendfile]
      cold:
        with: {target: transfer, cache: cold, bytes: 1MiB}
        axes: {transfer: [copy, sendfile]}
    """

  @Test func `one file's bare calls are the reference of every backend's log`() throws {
    let plan = SuitePlan(try Fixtures.suite(Self.suite))
    let labels = plan.cells.map(\.label)
    #expect(
      labels == [
        "transfer buffered copy hot", "transfer buffered sendfile hot", "transfer direct copy hot",
        "transfer direct sendfile hot", "syscalls-transfer copy hot",
        "syscalls-transfer sendfile hot",
        "transfer buffered copy cold", "transfer buffered sendfile cold",
      ])
    #expect(plan.cells.map(\.reference) == [4, 5, 4, 5, nil, nil, nil, nil])
    #expect(plan.cells.map(\.baseline) == [nil, 0, nil, 2, nil, 4, nil, 6])
  }

  @Test func `a log that is sent again and again is written once`() throws {
    let plan = SuitePlan(try Fixtures.suite(Self.suite))
    #expect(plan.cells.first?.parameters.writtenBytes == 1 << 20)
    #expect(plan.cells.first?.parameters.plannedBytes == 2 << 30)
  }

  @Test func `metrics that are compared beside the headline are named once`() throws {
    #expect(try Fixtures.suite(Self.suite).also == [.cpuSecondsPerGigabyte])
    #expect(
      Fixtures.complaint("suite: a\nalso: [seconds, seconds]\n")
        == "s.yaml:2:17: also: 'seconds' is there twice")
    #expect(Fixtures.complaint("suite: a\nalso: seconds\n")?.contains("needs a list") == true)
    #expect(
      Fixtures.complaint("suite: a\ndefaults: {transfer: sendfil}\n")
        == "s.yaml:2:22: transfer: unknown transfer 'sendfil' (nearest: 'sendfile'); "
        + "accepted: copy, sendfile")
  }
}
