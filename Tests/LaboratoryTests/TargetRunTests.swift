import LinuxIO
import LogStorage
import StorageBackends
import Targets
import TestSupport
import Testing

extension SuiteRunTests {
  /// What real backends can do, and the log over them.
  static var real: LaboratoryContext {
    LaboratoryContext(
      targets: TargetChoice.logs(flightsPath: "") + [.syscalls],
      backends: ShippedBackends.all.map { BackendChoice($0) },
      payloads: ["synthetic", "flights"])
  }

  /// The backends that this machine has, as a suite lists them.
  static var names: String {
    BackendUnderTest.runnable.map(\.rawValue).joined(separator: ", ")
  }

  /// A disk: O_DIRECT is wanted.
  private static let disk = TemporaryDirectory()

  @Test(arguments: ["syscalls", "log"])
  func `every backend runs under every durability, by its own calls`(_ target: String) throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: kinds
        repeats: 1
        warmup: 0
        defaults: {target: \(target), batch_bytes: 8KiB, bytes: 240KiB, drain: false, partitions: 3,
          memory: cold}
        crosses:
          all:
            axes: {backend: [\(Self.names)], durability: [none, batch, group]}
        """, in: folder, context: Self.real)
      #expect(run.rows.allSatisfy { $0["status"] == "ok" && $0["bytes"] == "245760" })
      for row in run.rows {
        let own = row["backend"].flatMap { BackendUnderTest(rawValue: $0) }?.preallocations.first
        #expect(row["preallocation"] == own?.rawValue)
        #expect(row["service_p50_us"] != "")
      }
    }
  }

  @Test(arguments: ["syscalls", "log"])
  func `space is taken in every way that a backend can, and others are skipped`(
    _ target: String
  ) throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: ways
        repeats: 1
        warmup: 0
        defaults: {target: \(target), batch_bytes: 8KiB, bytes: 400KiB, drain: false,
          memory: cold, segment_bytes: 1MiB, durability: batch}
        crosses:
          all:
            axes:
              backend: [\(Self.names)]
              preallocation: [default, none, fallocate, fallocate-extend, zero, recycle]
        """, in: folder, context: Self.real)
      for row in run.rows {
        let isRefused =
          row["backend"] == "mmap"
          && (row["preallocation"] == "none" || row["preallocation"] == "fallocate")
        #expect(row["status"] == (isRefused ? "skipped" : "ok"), "\(row)")
        if isRefused {
          #expect(row["reason"]?.contains("accepted: fallocate-extend, zero, recycle") == true)
        } else {
          #expect(row["bytes"] == "409600")
        }
      }
    }
  }

  @Test(
    .enabled(
      if: BackendUnderTest.allCases.contains(.uring), "io_uring is not to be had here"),
    arguments: ["syscalls", "log"])
  func `many appends are under way at once, and all of them count`(_ target: String) throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: depth
        repeats: 1
        warmup: 0
        defaults: {target: \(target), batch_bytes: 12KiB, batches: 200, drain: false,
          memory: cold, partitions: 2}
        crosses:
          all:
            axes:
              backend: [uring, uring-buffered]
              queue_depth: [2, 7, 64]
              durability: [none, batch]
        """, in: folder, context: Self.real)
      #expect(run.rows.count == 12)
      #expect(run.rows.allSatisfy { $0["status"] == "ok" && $0["bytes"] == "2457600" })
    }
  }

  @Test func `a synchronous backend has no queue depth, and says so`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try run(
        """
        suite: flat
        repeats: 1
        warmup: 0
        defaults: {batch_bytes: 8KiB, bytes: 80KiB, drain: false, memory: cold, queue_depth: 2}
        crosses:
          all:
            axes: {target: [log, syscalls], backend: [buffered, mmap, direct]}
        """, in: folder, context: Self.real)
      #expect(run.rows.count == 6)
      for row in run.rows {
        #expect(row["status"] == "skipped" && row["reason"]?.contains("queue_depth 1 only") == true)
      }
    }
  }
}
