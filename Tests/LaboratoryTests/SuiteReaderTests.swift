import LinuxIO
import LogStorage
import Suites
import Testing

struct SuiteReaderTests {
  private static let comparable = Metric.comparable.map(\.rawValue).joined(separator: ", ")

  @Test func `a suite with every key is read`() throws {
    let suite = try Fixtures.suite(
      """
      suite: all-of-it
      question: "Why?"
      repeats: 7
      warmup: 2
      seed: 42
      margin: 8
      time_max: 2min
      headline: cpu_s_per_gb
      baseline: {backend: buffered}
      defaults:
        target: syscalls
        backend: direct
        durability: interval
        payload: flights
        record_bytes: 1kB
        batch_bytes: 64KiB
        partitions: 4
        preallocation: none
        bytes: 1GiB
        arrival: max
        queue_depth: 8
        prefill_bytes: 2MB
        segment_bytes: 512MiB
        interval_ms: 2s
        interval_bytes: 1_000
        memory: cold
        drain: false
      axes:
        batch_bytes: [16KiB, 1MiB]
      crosses:
        small: {with: {batches: 10}, axes: {backend: [buffered, direct]}, bound: {max: 1.5}}
        large:
          axes: {backend: [buffered, direct], batch_bytes: [16KiB, 64KiB]}
          contrast: batch_bytes
      """)
    #expect(suite.name == "all-of-it")
    #expect(suite.marginPercent == 8 && suite.millisecondsMax == 120_000)
    #expect(suite.margin(of: .serviceP99) == 0.08)
    #expect(suite.crosses.map(\.bound) == [.max(1.5), nil])
    #expect(suite.crosses.map(\.contrast) == [nil, .batchBytes])
    #expect(suite.question == "Why?")
    #expect(suite.repeats == 7 && suite.warmup == 2 && suite.seed == 42)
    #expect(suite.headline == .cpuSecondsPerGigabyte)
    var parameters = TrialParameters()
    for setting in suite.defaults { parameters.apply(setting) }
    #expect(parameters.target == "syscalls" && parameters.backend == "direct")
    #expect(parameters.durability == .interval && parameters.payload == "flights")
    #expect(parameters.recordBytes == 1000 && parameters.batchBytes == 65536)
    #expect(parameters.partitions == 4 && parameters.queueDepth == 8)
    #expect(parameters.length == .bytes(1 << 30))
    #expect(parameters.prefillBytes == 2_000_000 && parameters.segmentBytes == 512 << 20)
    #expect(parameters.intervalMilliseconds == 2000 && parameters.intervalBytes == 1000)
    #expect(parameters.memory == .cold && parameters.drain == false)
    #expect(suite.axes.count == 1 && suite.crosses.map(\.name) == ["small", "large"])
  }

  @Test func `a misspelt key names itself, its place and the nearest right one`() {
    #expect(
      Fixtures.complaint("suite: a\nrepeets: 5\n")
        == "s.yaml:2:1: unknown key 'repeets' (nearest: 'repeats'); accepted: suite, question, "
        + "repeats, repeats_max, time_max, detect, margin, warmup, until, seed, headline, also, "
        + "baseline, defaults, axes, crosses, search")
    #expect(
      Fixtures.complaint("suite: a\ndefaults:\n  durabilty: none\n")
        == "s.yaml:3:3: unknown key 'durabilty' (nearest: 'durability'); accepted: target, "
        + "backend, durability, payload, record_bytes, batch_bytes, partitions, preallocation, "
        + "bytes, batches, records, arrival, queue_depth, prefill_bytes, segment_bytes, "
        + "interval_ms, interval_bytes, background_flush, memory, drain, transfer, receiver, "
        + "cache, network, connections, call_bytes, reading, congestion, producers, consumers, in_flight, "
        + "linger_ms, rate, duration, record_sizes, consume_from, retention_bytes, "
        + "place_producers, place_consumers, place_log, log_threads, stall_ms, stall_at_ms, "
        + "slowdown_percent, memory_limit, variant")
    #expect(
      Fixtures.complaint("suite: a\ncrosses:\n  x:\n    axis: {backend: [direct]}\n")
        == "s.yaml:4:5: unknown key 'axis' (nearest: 'axes'); accepted: with, axes, metrics, "
        + "contrast, bound"
    )
    #expect(
      Fixtures.complaint("suite: a\naxes: {bakcend: [direct]}\n")?
        .hasPrefix("s.yaml:2:8: unknown key 'bakcend' (nearest: 'backend'); accepted: ") == true)
  }

  @Test(arguments: [
    (
      "suite: a\ndefaults: {backend: bufered}",
      "s.yaml:2:21: backend: unknown backend 'bufered' (nearest: 'buffered'); accepted: buffered, "
        + "direct"
    ),
    (
      "suite: a\naxes:\n  durability: [none, always]",
      "s.yaml:3:22: durability: unknown durability 'always' (nearest: 'none'); accepted: none, "
        + "interval, batch, group"
    ),
    (
      "suite: a\ndefaults: {arrival: poison}",
      "s.yaml:2:21: arrival: unknown arrival 'poison' (nearest: 'poisson'); accepted: max, "
        + "uniform, poisson"
    ),
    (
      "suite: a\ndefaults: {place_log: core1}",
      "s.yaml:2:23: place_log: 'core1' is not a place; write any, cpu:0, cpu:0-1,3 or node:0"
    ),
    (
      "suite: a\nsearch: {limit: 10ms, from: 5, to: 5}",
      "s.yaml:2:9: search: 'from' (5) must be below 'to' (5)"
    ),
    (
      "suite: a\nsearch: {percentile: p98}",
      "s.yaml:2:22: unknown percentile 'p98' (nearest: 'p99'); accepted: p50, p99, p999"
    ),
    (
      "suite: a\nrepeats: 7\nrepeats_max: 5",
      "s.yaml: repeats_max (5) is less than repeats (7)"
    ),
    (
      "suite: a\nheadline: mbps",
      "s.yaml:2:11: headline: unknown metric 'mbps' (nearest: 'mb_per_s'); accepted: \(comparable)"
    ),
    (
      "suite: a\ndefaults: {bytes: -1MiB}",
      "s.yaml:2:19: bytes: found '-1MiB', expected a size from 1 to 1024TiB, such as 64KiB "
        + "(units: B, kB, MB, GB, KiB, MiB, GiB, TiB)"
    ),
    (
      "suite: a\ndefaults: {bytes: 1.5GiB}",
      "s.yaml:2:19: bytes: found '1.5GiB', expected a size from 1 to 1024TiB, such as 64KiB "
        + "(units: B, kB, MB, GB, KiB, MiB, GiB, TiB)"
    ),
    (
      "suite: a\ndefaults: {bytes: 9999999999999GiB}",
      "s.yaml:2:19: bytes: found '9999999999999GiB', expected a size from 1 to 1024TiB, such as 64KiB "
        + "(units: B, kB, MB, GB, KiB, MiB, GiB, TiB)"
    ),
    (
      "suite: a\ndefaults: {bytes: 99999999999999999999}",
      "s.yaml:2:19: bytes: found '99999999999999999999', expected a size from 1 to 1024TiB, such as 64KiB "
        + "(units: B, kB, MB, GB, KiB, MiB, GiB, TiB)"
    ),
    (
      "suite: a\ndefaults: {batch_bytes: 0}",
      "s.yaml:2:25: batch_bytes: found '0', expected a size from 1 to 1GiB, such as 64KiB "
        + "(units: B, kB, MB, GB, KiB, MiB, GiB, TiB)"
    ),
    (
      "suite: a\ndefaults: {interval_ms: 10us}",
      "s.yaml:2:25: interval_ms: found '10us', expected a duration from 1 to 86400000 ms, such "
        + "as 10ms (units: ms, s, min)"
    ),
    (
      "suite: a\ndefaults: {partitions: many}",
      "s.yaml:2:24: partitions: found 'many', expected a whole number from 1 to 10000"
    ),
    (
      "suite: a\ndefaults: {drain: yes}",
      "s.yaml:2:19: drain: unknown drain 'yes' (nearest: 'true'); accepted: true, false"
    ),
    (
      "suite: a\nrepeats: 0",
      "s.yaml:2:10: repeats: found '0', expected a whole number from 1 to 1000"
    ),
    ("suite: a\nrepeats: [1]", "s.yaml:2:10: repeats: expected one value, not a list or a mapping"),
    ("suite: a\nrepeats:", "s.yaml:2:9: repeats: a value is missing"),
    ("suite: a\nquestion:\naxes: {}", "s.yaml:2:10: question: a value is missing"),
    ("suite: a\naxes: {backend: []}", "s.yaml:2:17: the axis 'backend' has no values"),
    (
      "suite: a\naxes: {backend: direct}",
      "s.yaml:2:17: the axis 'backend' needs a list of values, such as [a, b]"
    ),
    (
      "suite: a\naxes: {backend: [direct, buffered, direct]}",
      "s.yaml:2:36: the axis 'backend' has 'direct' twice"
    ),
    ("suite: a\ncrosses: {x: {with: {}}}", "s.yaml:2:11: the cross 'x' has no axes"),
    (
      "suite: a\ncrosses: {x: {axes: {backend: [direct]}, contrast: backend}}",
      "s.yaml:2:11: the cross 'x' has no axis 'backend' of two values or more to contrast"
    ),
    (
      "suite: a\ncrosses: {x: {axes: {backend: [direct, buffered]}, contrast: backend}}",
      "s.yaml: the cross 'x' has a contrast, which needs the key 'baseline'"
    ),
    (
      "suite: a\nbaseline: {backend: direct}\n"
        + "crosses: {x: {axes: {backend: [direct, buffered]}, contrast: backend}}",
      "s.yaml: the cross 'x' contrasts 'backend', which the baseline fixes; choose another axis"
    ),
    (
      "suite: a\nbaseline: {backend: buffered}\n"
        + "crosses: {x: {axes: {backend: [direct]}, bound: {max: 1.5}}}",
      "s.yaml: the cross 'x' has a bound or a contrast, and no cell whose baseline is a cell of the "
        + "suite; add the baseline's values to its axes"
    ),
    (
      "suite: a\naxes: {backend: [direct]}\ncrosses: {backend: {axes: {backend: [direct]}}}",
      "s.yaml: the cross 'backend' has the name of an axis; choose another"
    ),
    (
      "suite: a\nheadline: seconds\nalso: [cpu_s_per_gb, seconds]",
      "s.yaml: also: 'seconds' is the headline already"
    ),
    (
      "suite: a\ncrosses: {x: {axes: {backend: [direct]}, bound: {max: -1}}}",
      "s.yaml:2:55: bound: found '-1', expected a ratio from 0.001 to 1000"
    ),
    (
      "suite: a\ncrosses: {x: {axes: {backend: [direct]}, bound: {}}}",
      "s.yaml:2:49: bound: expected one of max and min, such as {max: 1.5}"
    ),
    (
      "suite: a\nmargin: 0",
      "s.yaml:2:9: margin: found '0', expected a whole number from 1 to 100"
    ),
    (
      "suite: a\ntime_max: 0",
      "s.yaml:2:11: time_max: found '0', expected a duration from 1 to 86400000 ms, such as "
        + "10ms (units: ms, s, min)"
    ),
    ("suite: a\ndefaults: 5", "s.yaml:2:11: defaults: expected keys and values ('key: value')"),
    (
      "suite: a\ndefaults: {bytes: 1, records: 1}",
      "s.yaml:2:22: 'records' and 'bytes' both say how long a trial is; keep one"
    ),
    ("suite: a\nrepeats: 5\nrepeats: 6\n", "s.yaml:3:1: duplicate key 'repeats'"),
    ("suite: a\naxes: [\n", "s.yaml:3:1: not YAML: did not find expected node content"),
    (
      "suite: ../a",
      "s.yaml:1:8: suite: '../a' names a folder; use up to 64 letters, digits, - and _"
    ),
    ("repeats: 5", "s.yaml: the key 'suite' (its name) is missing"),
    ("", "s.yaml: the suite is empty"),
    ("# nothing", "s.yaml: the suite is empty"),
    ("just text", "s.yaml:1:1: a suite: expected keys and values ('key: value')"),
  ])
  func `a mistake says where it is and what to write`(text: String, complaint: String) {
    #expect(Fixtures.complaint(text) == complaint)
  }

  @Test(arguments: [
    (
      "durabilty=none",
      "--set durabilty=none: unknown key 'durabilty' (nearest: 'durability'); accepted: "
    ),
    ("bytes", "--set bytes: write key=value, such as --set bytes=64MiB"),
    ("backend=mmapped", "--set backend=mmapped: unknown backend 'mmapped' (nearest: "),
    ("bytes=", "--set bytes=: found '', expected a size"),
  ])
  func `a mistake in --set names the option`(option: String, complaint: String) throws {
    let text = try #require(Fixtures.complaint("suite: a", overrides: [option]))
    #expect(text.hasPrefix(complaint))
  }

  @Test func `a suite file that is not there or not text is said so`() throws {
    try Fixtures.withFolder { folder in
      let path = "\(folder)/none.yaml"
      #expect(throws: SuiteError(.file(path), "no such suite file")) {
        try Suite.read(file: path, vocabulary: Fixtures.vocabulary)
      }
    }
  }

  @Test func `a cross of too many cells is refused before it is built`() {
    let values = (1...50).map(String.init).joined(separator: ", ")
    let keys = ["record_bytes", "batch_bytes", "partitions", "queue_depth", "interval_ms"]
    let axes = keys.map { "\($0): [\(values)]" }.joined(separator: ", ")
    #expect(
      Fixtures.complaint("suite: a\ncrosses:\n  big: {axes: {\(axes)}}")
        == "s.yaml:3:3: the cross 'big' has more than 10000 cells")
  }

  @Test func `garbage never ends the program`() {
    var random = SeededGenerator(seed: 7)
    let good = Array("suite: a\naxes: {backend: [direct]}\ndefaults:\n  bytes: 1\n".utf8)
    for _ in 0..<2000 {
      var bytes = good
      for _ in 0...random.below(4) {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      _ = Fixtures.complaint(String(decoding: bytes, as: UTF8.self))
    }
  }
}
