import LinuxIO

/// How long the disk takes to answer fdatasync, and how fast it takes bytes, when nothing else is
/// asked of it.
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

  /// Bytes that are written and synced in a second: the median of five files of 64 MiB; nil where
  /// the folder cannot be written.
  static func bytesPerSecond(in directory: String) -> Double? {
    let io = LinuxFileIO()
    let path = "\(directory)/\(name)"
    let block = [UInt8](repeating: 0x5A, count: 1 << 20)
    var rates: [Double] = []
    for _ in 0..<5 {
      defer { try? io.remove(path) }
      do {
        let file = try FileHandle(io, path, FileOpening(.readWrite, creation: .mustBeNew))
        let start = MonotonicClock.nanoseconds()
        for number in 0..<64 { try file.write(block.span.bytes, at: Int64(number) << 20) }
        try file.synchronizeData()
        rates.append(Double(64 << 20) / (Double(MonotonicClock.nanoseconds() - start) / 1e9))
      } catch { return nil }
    }
    return rates.sorted()[2]
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

extension FlushProbe {
  /// The same, of what `environment.json` records.
  static func warning(
    _ storage: Environment.Storage, _ machine: Environment.Machine
  ) -> String? {
    storage.flushMicroseconds.flatMap { flush in
      warning(
        microseconds: flush.median, fileSystem: storage.fileSystem,
        hasDevice: storage.blockDevice != nil,
        isVirtual: machine.hypervisor != nil
          || machine.virtualization?.contains("hypervisor") == true,
        writeCache: storage.writeCache)
    }
  }
}

extension Environment {
  var flushWarning: String? { FlushProbe.warning(storage, machine) }
}
