import LinuxIO

/// How long the disk takes to answer fdatasync when nothing else is asked of it.
package enum FlushProbe {
  private static let rounds = 21
  private static let name = "flush-probe"

  /// Writes 4 KiB and calls fdatasync, again and again, in a file that is deleted; nil where the
  /// folder cannot be written.
  static func times(in directory: String) -> Environment.FlushTimes? {
    let io = LinuxFileIO()
    let path = "\(directory)/\(name)"
    defer { try? io.remove(path) }
    let block = [UInt8](repeating: 0x5A, count: 4096)
    var times: [Double] = []
    do {
      let file = try FileHandle(io, path, FileOpening(.readWrite, creation: .ifMissing))
      for round in 0..<rounds {
        try file.write(block.span.bytes, at: Int64(round) * 4096)
        let start = MonotonicClock.nanoseconds()
        try file.synchronizeData()
        times.append(Double(MonotonicClock.nanoseconds() - start) / 1000)
      }
    } catch { return nil }
    times.sort()
    return Environment.FlushTimes(min: times[0], median: times[rounds / 2])
  }

  /// What to tell of a disk that answers so fast that "durable" may mean less than it says; nil
  /// where nothing suggests so. `writeCache` is the device's, as the kernel has it.
  package static func warning(
    microseconds: Double, fileSystem: String?, hasDevice: Bool, isVirtual: Bool,
    writeCache: String?
  ) -> String? {
    let time = "fdatasync takes \(Digits.text(microseconds)) µs here"
    if !hasDevice {
      return
        "\(time), on \(fileSystem ?? "a file system") whose block device is not known: nothing is known of "
        + "what a power cut leaves"
    }
    if isVirtual && microseconds < 1000 {
      return
        "\(time), less than most disks need: durable as far as this virtual disk; what the host has made "
        + "durable when it answers is not known"
    }
    if writeCache == "write back" && microseconds < 100 {
      return
        "\(time), although the device says that it has a volatile write cache: it may answer before the "
        + "data is durable"
    }
    return nil
  }
}

extension Environment {
  var flushWarning: String? {
    storage.flushMicroseconds.flatMap { flush in
      FlushProbe.warning(
        microseconds: flush.median, fileSystem: storage.fileSystem,
        hasDevice: storage.blockDevice != nil,
        isVirtual: machine.hypervisor != nil
          || machine.virtualization?.contains("hypervisor") == true,
        writeCache: storage.writeCache)
    }
  }
}
