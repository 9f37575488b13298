import Suites
import Targets
import Testing

struct SuiteCheckTests {
  private static let vocabulary = SuiteVocabulary(
    targets: ["log", "syscalls", "transfer", "embedded", "stream", "generator"],
    backends: ["buffered", "direct", "mmap"], payloads: ["synthetic"], transfers: ["copy"])

  /// What is wrong with a suite that can be read; nil where nothing is.
  private func complaint(_ text: String, overrides: [String] = []) throws -> String? {
    let suite = try Suite.read(
      text: text, file: "s.yaml", overrides: overrides, vocabulary: Self.vocabulary)
    do {
      try suite.check(file: "s.yaml", Fixtures.context())
      return nil
    } catch { return "\(error)" }
  }

  @Test(
    arguments: [
      (
        "defaults: {target: log, arrival: uniform, rate: 10}",
        "s.yaml: the cell 'all' cannot run: the target 'log' appends as fast as it can: arrival"
      ),
      ("defaults: {target: log, duration: 1s}", "the target 'log' needs bytes, batches or records"),
      ("defaults: {target: syscalls, duration: 1s}", "the target 'syscalls' needs bytes"),
      (
        "defaults: {target: generator, consumers: 1}", "'generator' keeps nothing: consumers 0 only"
      ),
      ("defaults: {target: stream}", "the target 'stream' needs consumers"),
      (
        "defaults: {target: embedded, consumers: 1, cache: cold, consume_from: start}",
        "cache 'cold' needs consume_from 'start' and prefill_bytes"
      ),
      (
        "defaults: {target: transfer, network: unix, receiver: discard}",
        "receiver 'discard' needs TCP"
      ),
      (
        "defaults: {target: transfer, cache: cold, prefill_bytes: 1MiB, bytes: 2MiB}",
        "bytes (2097152) must not exceed prefill_bytes (1048576)"
      ),
      (
        "defaults: {target: transfer, memory_limit: 1MiB, prefill_bytes: 2MiB}",
        "cache 'hot' keeps 2097152 bytes in memory, and memory_limit is 1048576"
      ),
      (
        "axes: {target: [log, embedded], arrival: [max, poisson]}",
        "the cell 'log arrival=poisson' cannot run"
      ),
    ])
  func `parameters that contradict each other are a mistake in the suite`(
    text: String, words: String
  ) throws {
    let found = try complaint("suite: s\n" + text)
    #expect(found?.contains(words) == true, "\(found ?? "nothing")")
  }

  @Test(
    arguments: [
      (
        "baseline: {backend: buffered}\ndefaults: {backend: direct}\naxes: {backend: [direct, mmap]}",
        "no cell has backend=buffered"
      ),
      (
        "baseline: {partitions: 4}\naxes: {partitions: [1, 2]}",
        "s.yaml: baseline: no cell has partitions=4"
      ),
      ("baseline: {durability: batch}", "no cell has durability=batch"),
    ])
  func `a baseline that is no cell of the suite is a mistake`(text: String, words: String) throws {
    let found = try complaint("suite: s\n" + text)
    #expect(found?.contains(words) == true, "\(found ?? "nothing")")
  }

  @Test func `an override of an axis is announced, and refused where the baseline goes with it`()
    throws
  {
    let text = "suite: s\nbaseline: {backend: buffered}\naxes: {backend: [buffered, direct]}"
    #expect(try complaint(text) == nil)
    let refused = try complaint(text, overrides: ["backend=direct"])
    #expect(
      refused?.hasPrefix("--set backend=direct: takes the baseline (backend=buffered) out") == true,
      "\(refused ?? "nothing")")
    #expect(try complaint(text, overrides: ["backend=buffered"]) == nil)
    let suite = try Suite.read(
      text: text, file: "s.yaml", overrides: ["backend=buffered", "partitions=2"],
      vocabulary: Self.vocabulary)
    #expect(
      suite.overrideNotes == [
        "--set backend=buffered: the axis 'backend' has this one value instead of buffered, direct"
      ])
  }

  @Test(
    arguments: [
      ("consumers: 2", [], "s.yaml: the key 'consumers' does nothing here"),
      ("bytes: 1MiB", ["network=unix"], "--set network=unix: the key 'network' does nothing here"),
      ("bytes: 1MiB", ["stall_at_ms=5"], "--set stall_at_ms=5"),
      // The program's own value is no wish.
      ("bytes: 1MiB", ["consumers=0"], nil), ("arrival: max", [], nil),
    ] as [(String, [String], String?)])
  func `a key that no cell uses is a mistake`(
    setting: String, overrides: [String], words: String?
  ) throws {
    let found = try complaint(
      "suite: s\ndefaults: {target: log, \(setting)}", overrides: overrides)
    if let words {
      #expect(found?.contains(words) == true, "\(found ?? "nothing")")
    } else {
      #expect(found == nil)
    }
  }
}
