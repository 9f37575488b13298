import LinuxIO
import LogStorage
import Records

/// What a partition says to a batch of an idempotent producer (KIP-98).
package enum ProducerVerdict: Hashable, Sendable {
  /// It comes next: append it.
  case accept
  /// It is in the log already, at these offsets; `appendTime` is the newest timestamp that it has
  /// there, in milliseconds. It may not be acknowledged yet.
  case duplicate(baseOffset: Offset, nextOffset: Offset, appendTime: Int64)
  case refuse(ProducerFault)
}

/// Why a producer's batch is not taken.
package enum ProducerFault: Hashable, Sendable {
  /// Batches before it are missing, or it overlaps one that is there; -1 was found where a batch
  /// with a producer has no sequence.
  case outOfOrderSequence(expected: Int32, found: Int32)
  /// Another process has the producer's identity since.
  case staleEpoch(current: Int16, found: Int16)
  /// It lies below the batches that are remembered, of which there were more: it was in the log
  /// once, and where is not known any more.
  case duplicateSequence
}

/// What a partition knows about idempotent producers: each one's epoch and its last five batches,
/// which is how many a producer may have under way. Belongs to the log's I/O thread.
///
/// ```
///   <20 digits>.producers          the log's batches
///   [ below offset N: as saved ] + [ N … end: headers, scanned ] = what is known
/// ```
/// Nothing is read before somebody asks. The rules are those of Kafka's `ProducerStateManager`; a
/// sequence goes on from 0 after `Int32.max`.
package final class ProducerLedger {
  /// Producers that are remembered at most; the one silent longest goes first.
  package static let producersMax = 100_000

  /// A producer is silent since its newest batch's timestamp (`producer.id.expiration.ms` in
  /// Kafka), but not where it has appended since the last save: old records may be replayed.
  package var expirationMilliseconds: Int64 = 24 * 3_600_000
  /// Where no file is there, a load looks at so many bytes of the log's end and no more. A log that
  /// the broker wrote has a file long before; one from elsewhere had no idempotent producers of
  /// this broker's. (Kafka, too, does not scan a whole log for them.)
  package var scanBytesMax: Int64 = 1 << 30

  /// Bytes of batches since the offset of the file, or, while nothing is loaded, since the log was
  /// opened: what a later load scans, beside what was there then.
  package private(set) var bytesSinceSave: Int64 = 0

  /// Bytes since the last save that make the next one due.
  private static let saveBytes: Int64 = 64 << 20

  private let log: PartitionLog
  private let files: ProducerFiles
  private var isLoaded = false
  /// The log's failed appends that are known of: after another one some batch that was noted may be
  /// gone.
  private var knownFailures = 0
  /// `bytesSinceSave` when a save failed last.
  private var bytesAtFailure: Int64 = 0
  /// Who has appended since the last save.
  private var heard: Set<Int64> = []
  private var table = ProducerTable()

  /// Does nothing yet.
  package init(_ log: PartitionLog) {
    self.log = log
    files = ProducerFiles(io: log.io, directory: log.directory, notices: log.notices)
  }

  /// What becomes of this batch, which has a producer. Changes nothing; where the batch is appended
  /// then, `accepted` says so.
  ///
  /// It holds for a batch that gets the log's `nextOffset` as it is when this returns
  /// (`append(at:)`), and for no other.
  ///
  /// The first call waits until all that was accepted is acknowledged, and reads file and log. After a
  /// throw the next call tries that again. Batches that failed are forgotten without reading.
  package func verdict(on batch: RecordBatchHeader) throws(LogError) -> ProducerVerdict {
    // What has failed is cut off first: it was noted, and is not in the log.
    try log.settleFailure()
    cutBackFailures()
    if !isCurrent {
      forget()
      try load()
    }
    return table.verdict(on: batch)
  }

  /// Takes note of a batch that the log accepted, with the offsets that it was given: of each one,
  /// also of those without a producer, of which nothing but their place is noted.
  package func accepted(_ batch: RecordBatchHeader) {
    bytesSinceSave += Int64(batch.byteCountTotal)
    // A log's first batch: there is nothing to load.
    if !isLoaded && batch.baseOffset == .zero {
      isLoaded = true
      knownFailures = log.failureCount
    }
    // What is not loaded will be, from the log.
    guard isLoaded else { return }
    // Where an append that was noted failed meanwhile, this batch may lie where that one did not.
    cutBackFailures()
    guard batch.baseOffset == table.next else { return forget() }
    table.note(batch, settled: log.published.endOffset)
    if batch.producerID >= 0 { heard.insert(batch.producerID) }
  }

  /// Every producer that is known, as its last batch left it, in no order; nil where there are more
  /// than so many. Nothing is read for it (`LogPreparation` does).
  package func producers(max: Int) -> [KnownProducer]? {
    if table.entries.count > max { return nil }
    return table.entries.compactMap { id, entry in
      entry.last.map {
        KnownProducer(
          id: id, epoch: entry.epoch, lastSequence: $0.lastSequence, lastTimestamp: $0.timestamp)
      }
    }
  }

  /// Drops what is known, since some batch of it may not be in the log: the next verdict reads it
  /// again.
  package func forget() {
    isLoaded = false
    table = ProducerTable()
    bytesSinceSave = 0
    bytesAtFailure = 0
  }

  /// True where so much was appended since the last save, or since one failed, that a load would
  /// take long. Where no producer is known of, that may be more: nothing is lost, and saving costs
  /// a flush.
  package var isSaveDue: Bool {
    let limit = table.entries.isEmpty ? max(Self.saveBytes, scanBytesMax / 2) : Self.saveBytes
    return bytesSinceSave - bytesAtFailure >= limit
  }

  /// True where a clean stop should save: a producer is known of, or much would have to be looked
  /// at.
  package var isWorthSaving: Bool { !table.entries.isEmpty || isSaveDue }

  /// Writes down what is known, for all batches below the log's end; durable on return. Drops
  /// producers that are silent for longer than `expirationMilliseconds`. Does nothing where nothing
  /// changed since the last time; loads what is not loaded, so that a later load finds a file.
  ///
  /// After a throw the files are as before, or the new one is there, too.
  package func save(now: Int64) throws(LogError) {
    if !isLoaded && bytesSinceSave > 0 && !log.isDiscarded { try load() }
    guard let save = try beginSave(now: now) else { return }
    do throws(LogError) { try save.write() } catch {
      ended(save, isWritten: false)
      throw error
    }
    ended(save, isWritten: true)
  }

  /// What was to be read could not be: a save is due again when as much has been appended as now.
  package func loadFailed() { bytesAtFailure = bytesSinceSave }

  /// False where a save has to wait for what is to be read (`LogPreparation`).
  package var isLoadedToSave: Bool { isLoaded || log.isDiscarded }

  /// What a save is to write, which may be done on any thread while appends go on; `ended` says how
  /// it went. Nil where there is nothing to write, or nothing is loaded. Waits until all that was
  /// accepted is acknowledged: what a file says must be in the log.
  package func beginSave(now: Int64) throws(LogError) -> ProducerSave? {
    if log.isDiscarded || !isLoaded { return nil }
    bytesAtFailure = bytesSinceSave
    let dropped = table.dropSilent(now: now, limit: expirationMilliseconds, heard: heard)
    if bytesSinceSave == 0 && !dropped { return nil }
    try log.settleAll()
    // An append that failed meanwhile was noted, or one was not: the log says which.
    guard log.published.endOffset == table.next else {
      forget()
      return nil
    }
    defer { heard.removeAll(keepingCapacity: true) }
    return ProducerSave(
      files: files, table: table, next: log.published.endOffset, bytes: bytesSinceSave,
      heard: heard)
  }

  /// The save is written, or could not be: then another one is due when as much has been appended
  /// again.
  package func ended(_ save: ProducerSave, isWritten: Bool) {
    guard isWritten else { return heard.formUnion(save.heard) }
    bytesSinceSave = max(0, bytesSinceSave - save.bytes)
    bytesAtFailure = 0
  }

  /// Forgets batches that were noted and have failed since.
  private func cutBackFailures() {
    guard isLoaded, knownFailures != log.failureCount else { return }
    // The first one's end is the lowest: what was written before it stays.
    if let end = log.failureEnd(after: knownFailures) { table.cutBack(to: end) }
    knownFailures = log.failureCount
  }

  // MARK: - Loading

  /// True where what is known is of all that the log has.
  private var isCurrent: Bool {
    isLoaded && knownFailures == log.failureCount && table.next == log.nextOffset
  }

  private func load() throws(LogError) { take(try makeLoad().read()) }

  /// The load that the next verdict would make; nil where it makes none, or there is nothing to
  /// read. Waits until all that was accepted is acknowledged.
  func loadThatIsDue() throws(LogError) -> ProducerLoad? {
    if log.nextOffset == .zero { return nil }
    try log.settleFailure()
    cutBackFailures()
    if isCurrent { return nil }
    return try makeLoad()
  }

  private func makeLoad() throws(LogError) -> ProducerLoad {
    try log.settleAll()
    let published = log.published
    return ProducerLoad(
      files: files, segments: published.segments, start: published.startOffset,
      end: published.endOffset, failures: log.failureCount, scanBytesMax: scanBytesMax)
  }

  /// Goes by what was read, where the log has not moved since.
  package func take(_ found: PreparedLog) { if let found = found.producers { take(found) } }

  private func take(_ found: LoadedProducers) {
    guard found.failures == log.failureCount, found.table.next == log.nextOffset else { return }
    table = found.table
    bytesSinceSave = found.scannedBytes
    bytesAtFailure = 0
    isLoaded = true
    knownFailures = found.failures
  }
}

/// A producer as its last batch left it.
package struct KnownProducer: Hashable, Sendable {
  package let id: Int64
  package let epoch: Int16
  package let lastSequence: Int32
  /// Milliseconds since 1970.
  package let lastTimestamp: Int64
}

/// What is known about a log's producers, to be written down.
package struct ProducerSave: Sendable {
  fileprivate let files: ProducerFiles
  fileprivate let table: ProducerTable
  fileprivate let next: Offset
  /// Batches that the file before it does not know of.
  fileprivate let bytes: Int64
  fileprivate let heard: Set<Int64>

  /// Durable on return. For any thread, but not while the partition's folder is being removed.
  package func write() throws(LogError) { try files.write(table, next: next) }
}

/// Producers as file and log tell of them.
struct LoadedProducers {
  var table: ProducerTable
  var scannedBytes: Int64
  let failures: Int
}

/// Reads what is known about a log's producers. For any thread.
struct ProducerLoad: Sendable {
  let files: ProducerFiles
  let segments: [LogSegment]
  let start: Offset
  let end: Offset
  /// The log's failed appends of which `end` knows.
  let failures: Int
  let scanBytesMax: Int64

  func read() throws(LogError) -> LoadedProducers {
    var table = ProducerTable()
    var from: Offset
    if let found = try files.newest(from: start, to: end) {
      (table, from) = (found.table, found.next)
    } else {
      from = max(start, offsetOfLastBytes())
    }
    let scanned = try scan(from: from, into: &table)
    table.next = end
    return LoadedProducers(table: table, scannedBytes: scanned, failures: failures)
  }

  /// The base of the first of the last segments that have `scanBytesMax` together; at least the
  /// newest.
  private func offsetOfLastBytes() -> Offset {
    var bytes: Int64 = 0
    var base = Offset.zero
    for segment in segments.reversed() {
      bytes += segment.file.end.rawValue
      if bytes > scanBytesMax && base != .zero { break }
      base = segment.baseOffset
    }
    return base
  }

  /// Notes every batch from `offset` to the log's end; how many bytes they have.
  private func scan(
    from offset: Offset, into table: inout ProducerTable
  ) throws(LogError) -> Int64 {
    var bytes: Int64 = 0
    guard offset < end, let first = segments.index(holding: offset) else { return 0 }
    for segment in segments[first...] {
      let start = try segment.baseOffset < offset ? segment.locate(offset)?.position : .zero
      guard let start else { continue }
      _ = try segment.scan(from: start, readAheadBytes: 64 << 10) { header, _ in
        table.note(header)
        bytes += Int64(header.byteCountTotal)
        return false
      }
    }
    return bytes
  }
}
