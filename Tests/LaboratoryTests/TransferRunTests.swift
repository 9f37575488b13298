import Foundation
import LinuxIO
import LogStorage
import StorageBackends
import Targets
import TestSupport
import Testing
import TransferPaths

/// Trials that send a log, whole, at their smallest.
extension SuiteRunTests {
  private static var context: LaboratoryContext {
    var context = real
    context.targets.append(.syscallsTransfer)
    context.transfers = PathUnderTest.shipping
      .map { TransferChoice($0.type) }
    return context
  }

  private static let paths = PathUnderTest.shipping.map(\.rawValue).joined(separator: ", ")
  private static let disk = TemporaryDirectory()

  private func transfers(_ defaults: String, _ axes: String, _ folder: String) throws -> Run {
    try run(
      """
      suite: transfers
      repeats: 1
      warmup: 0
      also: [cpu_s_per_gb, receiver_cpu_s_per_gb, machine_cpu_s_per_gb]
      baseline: {transfer: copy}
      defaults: {target: transfer, batch_bytes: 8KiB, drain: false, call_bytes: 30000, \(defaults)}
      crosses: {all: {axes: {transfer: [\(Self.paths)], \(axes)}}}
      """, in: folder, context: Self.context)
  }

  @Test func `every path sends every byte, and says what it cost`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try transfers(
        "bytes: 3006464, prefill_bytes: 1MiB, partitions: 2, connections: 3",
        "target: [transfer, syscalls-transfer], receiver: [read, discard]", folder)
      #expect(run.rows.count == 20)
      for row in run.rows {
        #expect(row["status"] == "ok", "\(row["reason"] ?? "")")
        #expect(row["bytes"] == "3006464" && row["connections"] == "3")
        #expect(row["call_bytes"] == "30000" && row["network"] == "loopback")
        #expect(row["cache"] == "hot" && row["reading"] == "whole")
        #expect(row["backend"] == (row["target"] == "transfer" ? "buffered" : ""))
        #expect(Double(row["receiver_cpu_s_per_gb"] ?? "") != nil)
        #expect(Double(row["cpu_s_per_gb"] ?? "") != nil && row["service_p50_us"] != "")
        // Over loopback the kernel copies whatever it was told.
        let isZeroCopy = row["transfer"] == "zerocopy"
        #expect((Int(row["zerocopy_sends"] ?? "") ?? 0 > 0) == isZeroCopy)
        #expect(row["zerocopy_fallbacks"] == row["zerocopy_sends"])
        let isReferred = row["target"] == "transfer"
        #expect((row["vs_syscalls_ratio"] != "") == isReferred)
      }
      #expect(run.printed.contains { $0.contains("receiver_cpu_s_per_gb to baseline") })
    }
  }

  @Test func `a log is sent from every backend, from memory and from the disk`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let backends = BackendUnderTest.runnable.map(\.rawValue)
      let run = try transfers(
        "bytes: 1MiB, segment_bytes: 300KiB",
        "backend: [\(backends.joined(separator: ", "))], cache: [hot, cold]", folder)
      #expect(run.rows.count == 10 * backends.count)
      for row in run.rows {
        #expect(row["status"] == "ok", "\(row)")
        #expect(row["bytes"] == "1048576")
      }
    }
  }

  @Test func `the end of a growing log is followed, by every connection`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try transfers(
        "bytes: 4MiB, prefill_bytes: 64KiB, connections: 4, partitions: 2, reading: tail",
        "segment_bytes: [500KiB, 1GiB]", folder)
      #expect(run.rows.count == 10)
      for row in run.rows {
        #expect(row["status"] == "ok", "\(row)")
        // Each partition has half of the bytes, and two connections.
        #expect(row["bytes"] == "\(8 << 20)")
      }
    }
  }

  @Test func `what a network cannot do is skipped with the reason`() throws {
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let unix = try transfers(
        "bytes: 256KiB, network: unix", "receiver: [read, discard]", folder + "/unix")
      for row in unix.rows {
        let isOK = row["receiver"] == "read" && row["transfer"] != "zerocopy"
        #expect(row["status"] == (isOK ? "ok" : "skipped"), "\(row)")
        if !isOK { #expect(row["reason"]?.contains("TCP") == true) }
      }
      let other = try transfers(
        "bytes: 256KiB, congestion: nosuch", "receiver: [read]", folder + "/other")
      #expect(other.rows.allSatisfy { $0["reason"]?.contains("'nosuch'") == true })
      let twice = try transfers(
        "bytes: 512KiB, prefill_bytes: 256KiB, cache: cold",
        "target: [transfer, syscalls-transfer]",
        folder + "/twice")
      #expect(twice.rows.allSatisfy { $0["reason"]?.contains("sends a log once") == true })
    }
  }

  @Test(.enabled(if: geteuid() == 0, "network namespaces need root"))
  func `a pair of namespaces has an Ethernet between them, and leaves nothing behind`() throws {
    let before = try LinuxFileIO().list("/sys/class/net").map(\.name).sorted()
    try Fixtures.withFolder(under: Self.disk.path) { folder in
      let run = try transfers("bytes: 1MiB, network: veth", "receiver: [read, discard]", folder)
      for row in run.rows {
        #expect(row["status"] == "ok" || row["reason"]?.contains("iproute2") == true, "\(row)")
        #expect(row["network"] == "veth")
      }
    }
    #expect(try LinuxFileIO().list("/sys/class/net").map(\.name).sorted() == before)
  }
}
