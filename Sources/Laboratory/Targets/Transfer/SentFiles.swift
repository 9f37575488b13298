import CommitLog
import LinuxIO
import LogStorage
import Measurements
import Records
import Suites

/// The files that a trial sends, brought into the page cache or out of it before it begins.
struct SentFiles {
  struct Entry {
    let file: KernelFile
    let path: String
    let byteCount: Int64
  }

  let entries: [Entry]
  let stop: StopFlag

  /// Share of the bytes that may be elsewhere.
  private static let tolerance = 0.01

  /// A system under pressure, or one that reclaims what it takes for cold, takes pages back at once.
  private static let attempts = 3

  /// Brings what the logs hold now to the cache state that the trial states.
  static func bring(
    _ logs: [PublishedLog], to parameters: TrialParameters, stop: StopFlag
  ) throws {
    let files = logs.flatMap { $0.segments.map(\.file) }.filter { $0.end.rawValue > 0 }
    let open = try files.map { try $0.openForReading() }
    try withExtendedLifetime(open) {
      let entries = zip(files, open).compactMap { file, open in
        open.kernelFile.map {
          Entry(file: $0, path: open.path, byteCount: file.end.rawValue)
        }
      }
      try SentFiles(entries: entries, stop: stop).bring(
        to: parameters.cache, memory: parameters.memory)
    }
  }

  /// Throws `TrialSkipped` where the kernel does not keep to it. With `memory` warm what is to be read
  /// from the disk is read once before, so that the host backs as many pages, of the same sizes.
  func bring(to state: CacheState, memory: MemoryState) throws {
    if state == .cold && memory == .warm { try readAll() }
    let total = entries.reduce(0) { $0 + $1.byteCount }
    var strays: Int64 = 0
    for _ in 0..<Self.attempts {
      if state == .hot { try readAll() } else { try evictAll() }
      let resident = try residentBytes()
      strays = state == .hot ? total - resident : resident
      if Double(strays) <= Double(total) * Self.tolerance { return }
    }
    let place = state == .hot ? "are not in the page cache after reading them" : "stay in it"
    throw TrialSkipped("cache '\(state.rawValue)': \(strays) of the log's \(total) bytes \(place)")
  }

  private func evictAll() throws(SystemCallError) {
    for entry in entries {
      do { _ = try entry.file.evict(first: entry.byteCount) } catch {
        throw error.naming(entry.path)
      }
    }
  }

  private func residentBytes() throws(SystemCallError) -> Int64 {
    var sum: Int64 = 0
    for entry in entries {
      do throws(SystemCallError) {
        let bytes = try entry.file.residentBytes(ofFirst: entry.byteCount)
        // In whole pages: the last one may end behind the file.
        sum += min(bytes, entry.byteCount)
      } catch { throw error.naming(entry.path) }
    }
    return sum
  }

  private func readAll() throws {
    var buffer = AlignedBuffer(capacity: 1 << 20)
    buffer.resize(to: 1 << 20)
    for entry in entries {
      let handle = try FileHandle(LinuxFileIO(), entry.path, FileOpening(.read))
      var position: Int64 = 0
      while position < entry.byteCount {
        if stop.isRaised { throw TrialStopped() }
        let count = try buffer.withMutableBytes { (bytes) throws(SystemCallError) in
          try handle.read(into: &bytes, at: position)
        }
        if count == 0 { break }
        position += Int64(count)
      }
    }
  }
}
