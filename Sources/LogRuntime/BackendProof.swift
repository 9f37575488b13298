import CommitLog
import LinuxIO
import LogStorage
import Records

/// Whether backends work below a data directory, found out by a small log of their own: one batch
/// is appended and made durable there.
package final class BackendProof {
  /// What a proof leaves where the process is killed; the next one removes it.
  static let directoryName = ".varve-proof"

  private struct Key: Hashable {
    let backend: String
    let preallocation: Preallocation?
  }

  private let directory: String
  private let io: any FileIO
  private let makeDrivers: () -> BackendDrivers
  private var known: [Key: String?] = [:]

  /// For the thread that has `directory` open.
  package init(
    below directory: String, io: any FileIO, drivers: @escaping () -> BackendDrivers
  ) {
    self.directory = "\(directory)/\(Self.directoryName)"
    self.io = io
    makeDrivers = drivers
  }

  /// Why no append to a topic with these settings could succeed here, or nil. Tried once for each
  /// backend and preallocation, in some milliseconds; a full disk and other failures that may pass
  /// prove nothing.
  package func reasonToRefuse(_ settings: TopicSettings) -> String? {
    let key = Key(backend: settings.backend, preallocation: settings.preallocation)
    if let reason = known[key] { return reason }
    var reason: String?
    do throws(LogError) {
      try removeAll()
      try append(settings)
      known[key] = .some(nil)
    } catch {
      if case .storage(let failure) = error, failure.isUnsupported {
        reason = "\(failure)"
        known[key] = .some(reason)
      }
    }
    try? removeAll()
    return reason
  }

  private func append(_ wanted: TopicSettings) throws(LogError) {
    var settings = TopicSettings(backend: wanted.backend)
    settings.preallocation = wanted.preallocation
    settings.segmentBytes = 1 << 20
    settings.durability = .batch
    let drivers = makeDrivers()
    let log = try LogDirectory(path: directory, io: io, drivers: drivers, defaults: settings)
    var random = SystemRandomNumberGenerator()
    _ = try log.createTopic("proof", partitions: 1, settings: settings, using: &random)
    let partition = try log.log(TopicPartition(topic: "proof", partition: 0))
    var builder = RecordBatchBuilder(
      buffer: AlignedBuffer(capacity: 8 << 10), shiftedBy: partition.placement)
    do throws(BatchError) {
      try builder.append(
        timestamp: 0, key: nil, value: [UInt8](repeating: 0, count: 4096).span.bytes)
    } catch { throw .batch(error, place: directory) }
    var slot: AlignedBuffer? = builder.finish(baseOffset: .zero)
    let receipt = try partition.append(
      &slot, now: LogTime(monotonicNanoseconds: 0, wallMilliseconds: 0))
    while partition.status(of: receipt) == .pending { try drivers.poll(waiting: true) }
    if case .failed(let error) = partition.status(of: receipt) { throw error }
    try log.close()
  }

  private func removeAll() throws(LogError) {
    do throws(SystemCallError) { try remove(directory) } catch {
      if error.number != .noSuchFile { throw .system(error) }
    }
  }

  private func remove(_ directory: String) throws(SystemCallError) {
    for entry in try io.list(directory) where entry.name != "." && entry.name != ".." {
      let path = "\(directory)/\(entry.name)"
      if entry.isDirectory { try remove(path) } else { try io.remove(path) }
    }
    try io.removeDirectory(directory)
  }
}
