import Foundation
import LinuxIO
import Results
import Testing
import Trials

struct MachineCPUTests {
  private func write(_ files: [String: String], in folder: String) throws {
    for (name, text) in files {
      let path = "\(folder)/\(name)"
      try FileTree.create((path as NSString).deletingLastPathComponent)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
  }

  @Test func `The root of cgroup v1 has one counter in nanoseconds`() throws {
    try Fixtures.withFolder { folder in
      try write(
        ["cpuacct/release_agent": "", "cpuacct/cpuacct.usage": "1500000000\n"], in: folder)
      let found = try #require(MachineCPU.find(cgroups: folder, proc: "\(folder)/proc"))
      #expect(found.name == "cpuacct" && found.seconds() == 1.5)
    }
  }

  @Test func `A container's own group is not the machine`() throws {
    try Fixtures.withFolder { folder in
      try write(["cpuacct/cpuacct.usage": "1500000000\n"], in: folder)
      #expect(MachineCPU.find(cgroups: folder, proc: "\(folder)/proc") == nil)
      try write(
        [
          "cgroup.controllers": "cpu\n", "cgroup.type": "domain\n",
          "proc/self/schedstat": "1 2 3\n",
        ], in: folder)
      #expect(MachineCPU.find(cgroups: folder, proc: "\(folder)/proc") == nil)
    }
  }

  @Test func `Under cgroup v2 groups and the threads in none of them are added up`() throws {
    try Fixtures.withFolder { folder in
      try write(
        [
          "cgroup.controllers": "cpu\n", "cgroup.threads": "2\n17\n99\n",
          "system.slice/cpu.stat": "usage_usec 2000000\nuser_usec 1\n",
          "user.slice/cpu.stat": "usage_usec 500000\n",
          "proc/self/cgroup": "0::/user.slice\n",
          "proc/self/schedstat": "1 2 3\n", "proc/2/schedstat": "250000000 0 1\n",
          "proc/17/schedstat": "1000000000 5 1\n",
        ], in: folder)
      let found = try #require(MachineCPU.find(cgroups: folder, proc: "\(folder)/proc"))
      // Thread 99 has ended.
      #expect(found.name == "cpu.stat and schedstat" && found.seconds() == 3.75)
      // The time of this process's own threads would be lost as they end.
      try write(["proc/self/cgroup": "0::/\n"], in: folder)
      #expect(MachineCPU.find(cgroups: folder, proc: "\(folder)/proc") == nil)
    }
  }

  @Test func `The machine's CPU is never below this process's`() throws {
    guard let machine = MachineCPU.find() else {
      print("skipped: this system shows no exact counter of the machine's CPU")
      return
    }
    var spent = 0
    for round in 0..<50 {
      let before = MachineCounters.now(.start, device: nil, machine: machine)
      for number in 0..<(20_000 * (round % 5 + 1)) { spent &+= number &* round }
      let after = MachineCounters.now(.end, device: nil, machine: machine)
      let ofMachine = try #require(after.machineSeconds) - (try #require(before.machineSeconds))
      #expect(ofMachine >= after.processSeconds - before.processSeconds, "round \(round), \(spent)")
    }
  }

  @Test func `What fdatasync costs is told where it says little`() {
    func warning(
      microseconds: Double, device: String? = "254:0", cache: String? = "write back",
      hypervisor: String?
    ) -> String? {
      FlushProbe.warning(
        microseconds: microseconds, fileSystem: "ext4", hasDevice: device != nil,
        isVirtual: hypervisor != nil, writeCache: cache)
    }
    #expect(
      warning(microseconds: 180, hypervisor: "KVMKVMKVM")?.contains(
        "durable as far as this virtual disk")
        == true)
    #expect(warning(microseconds: 4000, hypervisor: "KVMKVMKVM") == nil)
    #expect(warning(microseconds: 180, hypervisor: nil) == nil)
    #expect(warning(microseconds: 40, hypervisor: nil)?.contains("volatile write cache") == true)
    #expect(warning(microseconds: 40, cache: "write through", hypervisor: nil) == nil)
    #expect(
      warning(microseconds: 5, device: nil, hypervisor: nil)?.contains("block device") == true)
  }
}
