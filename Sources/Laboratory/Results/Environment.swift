import Foundation
import Suites
import Trials

/// The machine and the program behind a result, as `environment.json` keeps them. What could not
/// be read is null there.
package struct Environment: Codable, Hashable, Sendable {
  package struct Machine: Codable, Hashable, Sendable {
    package var host: String?
    package var kernel: String?
    package var architecture: String?
    package var cpuModel: String?
    package var processors: Int?
    package var cpuGovernor: String?
    package var clockSource: String?
    package var numaNodes: Int?
    /// Of each node: processors, bytes, and the distances to all nodes (10 to itself); null where
    /// the kernel has no NUMA.
    package var nodes: [Node]?
    package var memoryBytes: Int64?
    package var transparentHugePages: String?
    /// What suggests a virtual machine or a container; null where nothing does.
    package var virtualization: String?
    /// The vendor that CPUID names, such as KVMKVMKVM; null on hardware, and where CPUID does not
    /// say.
    package var hypervisor: String?
    /// Where trials take the machine's CPU time from; null where the system shows no exact counter.
    package var cpuTimeSource: String?
  }

  package struct Node: Codable, Hashable, Sendable {
    package var number: Int
    package var processors: String
    package var memoryBytes: Int64
    package var distances: [Int]
  }

  package struct Storage: Codable, Hashable, Sendable {
    package var directory: String
    package var fileSystem: String?
    package var mountPoint: String?
    package var mountOptions: String?
    package var source: String?
    /// Major and minor number, where the file system has a block device.
    package var blockDevice: String?
    package var scheduler: String?
    package var isRotational: Bool?
    package var logicalBlockBytes: Int?
    package var deviceModel: String?
    /// `write back` where the device says that it has a volatile cache, `write through` where not.
    package var writeCache: String?
    /// Whether single writes can bypass the device's cache (FUA).
    package var canForceUnitAccess: Bool?
    /// fdatasync after a write of 4 KiB, before the first trial: the least and the median of 21.
    package var flushMicroseconds: FlushTimes?
    /// Written and synced before the first trial, in pieces of 64 MiB: the median of 5.
    package var writtenBytesPerSecond: Double?
    package var freeBytes: Int64?
  }

  package struct FlushTimes: Codable, Hashable, Sendable {
    package var min: Double
    package var median: Double
  }

  package struct Network: Codable, Hashable, Sendable {
    /// What `congestion: system` means here.
    package var tcpCongestionControl: String?
    package var tcpCongestionControls: String?
    /// Bytes: least, first, most.
    package var tcpSendBuffer: String?
    package var tcpReceiveBuffer: String?
    package var loopbackMTU: String?
  }

  package struct Limits: Codable, Hashable, Sendable {
    package var lockedMemory: String?
    package var openFiles: String?
    package var fileSize: String?
    /// From the process's own group up to the root.
    package var cgroupMemory: [String: String]

    /// The smallest of them; nil where none is smaller than any memory.
    package var memoryBytes: Int64? {
      cgroupMemory.values.compactMap { Int64($0) }.filter { $0 < 1 << 60 }.min()
    }
  }

  package struct Program: Codable, Hashable, Sendable {
    /// `unknown` where the program does not lie in a git worktree.
    package var commit: String
    /// True where the worktree had changes that the commit does not have.
    package var hasLocalChanges: Bool?
    package var swift: String
    package var build: String
    package var commandLine: [String]
  }

  package var startedAt: String
  package var machine: Machine
  package var storage: Storage
  package var limits: Limits
  /// Nil in runs of before it was recorded.
  package var network: Network?
  package var program: Program
  /// The build that this run compares `program` with; nil where it compares none.
  package var base: Program?
  package var suite: SuiteRecord

  /// The suite as it was run.
  package struct SuiteRecord: Codable, Hashable, Sendable {
    package var name: String
    package var text: String
    package var overrides: [String]
    package var repeats: Int
    package var warmup: Int
    package var seed: UInt64
    package var headline: String
    /// The largest share by which this build may be worse than its base (`--fail-above`).
    package var failAbove: Double?
    /// The options of each cell, by its number in trial ids, every default written out.
    package var cells: [String: [String: String]]
  }

  /// Pretty, with sorted keys, so that two can be compared line by line.
  package func json() throws(LaboratoryError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")] } catch {
      throw .other("environment.json: \(error)")
    }
  }
}
