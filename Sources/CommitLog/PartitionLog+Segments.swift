import LinuxIO
import LogStorage
import Records

// Segments begin, end and are opened again.

extension PartitionLog {
  /// The segment that takes `batches`: the active one, or, where they do not fit or it is too old,
  /// a new one.
  func segment(for batches: AppendBatches) throws(LogError) -> ActiveSegment {
    let byteCount = batches.byteCount
    guard byteCount <= settings.segmentBytes else {
      throw .batchTooLarge(byteCount: byteCount, segmentBytes: settings.segmentBytes)
    }
    if active == nil && resumePosition != nil { try resume() }
    if let active {
      if takes(batches, active) { return active }
      try drain(active)
      // Placed too high: the caller places it anew.
      if batches.first.baseOffset != nextOffset { return active }
      try roll()
    }
    return try begin(batches.first.baseOffset)
  }

  /// Ends the active segment; the next append begins a new one, with the settings of then. Under
  /// every durability but `none` what was appended is durable when this returns. An empty segment
  /// is not left behind: the next append opens it again.
  package func roll() throws(LogError) {
    if active == nil && resumePosition != nil { try resume() }
    guard let target = active else { return }
    try end(target, durably: settings.durability != .none)
    resumePosition = target.writtenEnd == .zero ? .zero : nil
  }

  /// Makes everything durable and lets the files go; the next append opens them again.
  package func close() throws(LogError) {
    if let fence { throw .fenced(partition, fence) }
    guard let target = active else { return try flushEarlier() }
    try end(target, durably: true)
    resumePosition = target.writtenEnd
  }

  /// Before `change`: what waits for an acknowledgement waits by the old rule, and ends here.
  func settleForChange() throws(LogError) {
    if let target = active { try flushAll(target) } else { try flushEarlier() }
  }

  /// As `settleForChange`; where that fails the log is fenced, and says so of all that waits.
  func settleOrGiveUp() {
    do throws(LogError) { try settleForChange() } catch {
      guard fence == nil, let target = active else { return }
      var cause = StorageError.fenced(path: directory)
      if case .storage(let failure) = error { cause = failure }
      giveUp(target, because: cause)
    }
  }

  /// Takes other settings: the backend, and a higher limit of bytes, from the next segment on, the
  /// rest at once. In memory only; nothing may wait by the old ones (`settleForChange`).
  package func change(_ newSettings: TopicSettings) { settings = newSettings }

  private func takes(_ batches: AppendBatches, _ target: ActiveSegment) -> Bool {
    if target.acceptedEnd == .zero { return true }
    let end = target.acceptedEnd.rawValue + Int64(batches.byteCount)
    if end > Int64(min(settings.segmentBytes, target.bytesMax)) { return false }
    let relative = batches.nextOffset.distance(from: target.segment.baseOffset)
    if relative > Int64(Int32.max) { return false }
    guard let first = target.index.firstTimestamp else { return true }
    let (age, overflow) = batches.newestTimestamp.subtractingReportingOverflow(first)
    return !overflow && age <= settings.segmentMilliseconds
  }

  /// Begins an empty segment at the log's end, so that the one before it can be deleted.
  func beginAfterRetention() throws(LogError) -> ActiveSegment { try begin(nextOffset) }

  private func begin(_ base: Offset) throws(LogError) -> ActiveSegment {
    let path = "\(directory)/\(SegmentNames.log(base))"
    let file = SegmentFile(baseOffset: base, path: path, io: io, end: .zero)
    let index = IndexWriter(baseOffset: base, settings: settings)
    let driver = try drivers.driver(settings.backend)
    let id: SegmentID
    let isRecycled = try takeSpare(as: path)
    do throws(StorageError) {
      id = try driver.backend.open(
        file, segmentOptions(at: .zero, isRecycled ? .recycled : .new))
    } catch {
      if isRecycled { try? io.remove(path) }
      throw .storage(error)
    }
    // The first segment's name always: a power cut that lost it and kept a later one would move the
    // log's start, where every other lost name leaves a prefix.
    if settings.durability == .none && !published.segments.isEmpty {
      unflushed.began()
    } else {
      do { try io.synchronizeDirectory(directory) } catch {
        driver.abandon(id)
        try? io.remove(path)
        throw .system(error)
      }
    }
    published.segments.last?.file.end(before: base)
    return activate(driver, id, file, index, .zero, published.segments)
  }

  /// Opens the last segment again, to append after its last batch.
  private func resume() throws(LogError) {
    guard let end = resumePosition, let last = published.segments.last else { return }
    let found = prepared.take()
    let index: IndexWriter
    if let found, found.segment === last, found.end == end {
      index = found.index
    } else {
      index = try last.makeIndexWriter(settings, end: end, next: acceptedOffset)
    }
    let driver = try drivers.driver(settings.backend)
    let id: SegmentID
    do throws(StorageError) {
      id = try driver.backend.open(last.file, segmentOptions(at: end, .existing))
    } catch { throw .storage(error) }
    _ = activate(driver, id, last.file, index, end, published.segments.dropLast())
  }

  private func segmentOptions(
    at position: FilePosition, _ origin: SegmentOptions.Origin
  ) -> SegmentOptions {
    SegmentOptions(
      position: position, origin: origin, preallocation: settings.preallocation,
      sizeMax: Int64(settings.segmentBytes))
  }

  /// Under `recycle`, gives a file that retention let go the new segment's name.
  private func takeSpare(as path: String) throws(LogError) -> Bool {
    // Not while it may still have the name of the segment that it was.
    if !leaving.isEmpty { return false }
    let spare = SpareSegment(io: io, directory: directory)
    do {
      if settings.preallocation == .recycle { return try spare.take(as: path) }
      try spare.remove()
      return false
    } catch { throw .system(error) }
  }

  private func activate(
    _ driver: BackendDriver, _ id: SegmentID, _ file: SegmentFile, _ index: IndexWriter,
    _ end: FilePosition, _ older: [LogSegment]
  ) -> ActiveSegment {
    let segment = LogSegment(file, settings: settings, notices: notices, live: index.indexes)
    let target = ActiveSegment(
      driver: driver, id: id, segment: segment, bytesMax: settings.segmentBytes, index: index,
      end: end)
    driver.register(self, id)
    active = target
    resumePosition = nil
    published.publish(segments: older + [segment])
    return target
  }

  /// Makes everything that was accepted durable, and waits for it.
  func flushAll(_ target: ActiveSegment) throws(LogError) {
    try drain(target)
    try flushEarlier()
    while fence == nil && durableOffset < writtenOffset {
      try target.driver.flush([self])
      if durableOffset < writtenOffset { try target.driver.poll(waiting: true) }
    }
    if let fence { throw .fenced(partition, fence) }
  }

  /// Makes what `none` left to the kernel durable: segments that ended, and the names of new ones.
  func flushEarlier() throws(LogError) {
    if !unflushed.isEmpty {
      for segment in unflushed.segments {
        do throws(SystemCallError) {
          if let file = try segment.openForFlush() { try synchronize(file) }
        } catch { throw failedFlush(error) }
      }
      do { try io.synchronizeDirectory(directory) } catch { throw failedFlush(error) }
      unflushed.flushed()
    }
    // Of a segment that was given up nobody knows what reached the disk.
    let isWhole = active.map { $0.durableEnd == $0.writtenEnd } ?? (fence == nil)
    if isWhole { durableOffset = writtenOffset }
  }

  /// The log is fenced where a flush was tried, since what is durable is not known any more. Where the
  /// file could not even be opened nothing was tried: its pages are as dirty as before.
  func failedFlush(_ error: SystemCallError) -> LogError {
    if error.call == .open { return .system(error) }
    fence = .flushFailed(error)
    return .fenced(partition, .flushFailed(error))
  }

  /// Makes it durable that the file ends where the log does. Else a power cut could bring back what
  /// lay behind: zeros, or, in a recycled file, old batches. Recovery tells them from new ones in
  /// the segments that it checks; those below the recovery point are believed to end where their
  /// files do.
  private func flushEnd(of file: ReadableFile) throws(LogError) {
    do { try synchronize(file) } catch { throw failedFlush(error) }
  }

  /// Entries of the offset index that are worth two files to be opened.
  private static let savedEntriesMin = 16

  /// Writes what the active segment's index has gained to its files, where that is much: a recovery
  /// from here on reads that part of the segment no more. A failure costs it time, and nothing else.
  func saveIndexes() {
    guard let active else { return }
    let (indexes, saved) = (active.index.indexes, active.savedIndexes)
    if indexes.offsets.count - (saved?.offsets ?? 0) < Self.savedEntriesMin { return }
    let files = active.segment.indexFiles
    do throws(SystemCallError) {
      if let saved {
        active.savedIndexes = try files.extend(saved, to: indexes)
      } else {
        active.savedIndexes = try files.write(indexes)
      }
    } catch { active.savedIndexes = nil }
  }

  /// `fdatasync` of a segment's file.
  func synchronize(_ file: ReadableFile) throws(SystemCallError) {
    do { try io.synchronizeData(file.number) } catch { throw error.naming(file.path) }
  }

  private func end(_ target: ActiveSegment, durably: Bool) throws(LogError) {
    try drain(target)
    if durably { try flushAll(target) }
    // Before anything changes: where no descriptor is left, the segment goes on.
    let file: ReadableFile
    do { file = try target.segment.file.openForReading() } catch { throw .storage(error) }
    target.driver.unregister(target.id)
    active = nil
    do throws(StorageError) { try target.driver.backend.seal(target.id) } catch {
      fence = error
      throw .fenced(partition, error)
    }
    if durably {
      try flushEnd(of: file)
    } else {
      unflushed.ended(target.segment.file, file, before: writtenOffset)
    }
    target.index.finish()
    let sealed = LogSegment(
      target.segment.file, settings: settings, notices: notices,
      newestTimestamp: target.index.newest?.timestamp)
    do { try sealed.indexFiles.write(target.index.indexes) } catch {
      // Not a loss: who looks for an offset makes the index anew.
      notices.post(LogNotice(path: sealed.file.path, "its indexes could not be written: \(error)"))
      try? sealed.indexFiles.remove()
    }
    published.publish(segments: published.segments.dropLast() + [sealed])
  }
}

extension LogSegment {
  /// The state that the appender of this segment would have had, and the last entry that its index
  /// files have: they are believed up to there, and the headers from there on are read. Those must
  /// lead to `end` and to the offset `next`, or else nothing is appended behind them: after a clean
  /// stop nobody has looked at them, and what follows damage could not be read.
  func makeIndexWriter(
    _ settings: TopicSettings, end: FilePosition, next: Offset
  ) throws(LogError) -> IndexWriter {
    let restored: RestoredIndex?
    do {
      restored = try RestoredIndex(indexFiles, of: file, below: next, settings)
    } catch { throw .storage(error) }
    var writer =
      restored?.writer ?? IndexWriter(baseOffset: baseOffset, settings: settings, bytes: end)
    var expected = restored?.next ?? baseOffset
    var reached = restored?.position ?? .zero
    let readAheadBytes = restored == nil ? 1 << 20 : max(512, settings.indexIntervalBytes)
    let stray = try scan(from: reached, readAheadBytes: readAheadBytes) { header, position in
      if header.baseOffset != expected { return true }
      writer.add(header, at: position)
      expected = header.nextOffset
      reached = position.advanced(by: header.byteCountTotal)
      return false
    }
    if let stray {
      throw .damaged(
        path: file.path, position: stray.position, expected: expected,
        reason: "found offset \(stray.header.baseOffset)")
    }
    guard reached == end, expected == next else {
      throw .damaged(
        path: file.path, position: reached, expected: expected,
        reason: "the batches end here, and the log ended at byte \(end), offset \(next)")
    }
    return writer
  }
}
