import CommitLog
import KafkaProtocol
import LinuxIO
import LogRuntime
import LogStorage
import Records

/// A fetch on its way. Looked up by its event loop where that waits for no disk, else by a read
/// thread.
// SAFETY: what changes is used by one thread at a time: the loop's, or the read thread that looks
// the fetch up for it.
final class FetchJob: @unchecked Sendable {
  let connection: Int
  let slot: Int
  let header: RequestHeader
  let limits: FetchLimits
  let topics: [FetchTopic]
  let readers: FetchReaders
  /// The loop's: memory is short, and the fetch is answered with what there is.
  var waitsNoMore = false
  /// For the request, and, while it waits, for what it remembers.
  private let charge: MemoryAccount.Charge
  /// A read thread's, between two pieces of a lookup: what it has found so far.
  private var partial: FetchResult?
  /// What each partition had when it was looked at last, by `LogPartition.id`, while the fetch
  /// waits.
  private var seen: [Int: SeenPartition] = [:]
  /// The bytes of all of them.
  private var seenBytes = 0

  private struct SeenPartition {
    let bytesMax: Int
    var byteCount: Int
    var endOffset: Int64
    var fileEnd: FileEnd
  }

  init(
    connection: Int, slot: Int, header: RequestHeader, charge: MemoryAccount.Charge,
    limits: FetchLimits, topics: [FetchTopic], readers: FetchReaders
  ) {
    self.connection = connection
    self.slot = slot
    self.header = header
    self.charge = charge
    self.limits = limits
    self.topics = topics
    self.readers = readers
  }

  /// What a partition takes while the fetch waits.
  private static let waitingBytes = 512

  /// The request is needed no more.
  func letRequestGo() {
    let count = topics.reduce(0) { $0 + $1.targets.count }
    charge.set(min(charge.bytes, count * Self.waitingBytes))
  }

  /// The partitions; all of them, where the fetch waits.
  var entries: some Sequence<LogPartition> {
    topics.lazy.flatMap { $0.targets.lazy.compactMap(\.entry) }
  }

  /// The fetch begins to wait with what was found.
  func remember(_ result: FetchResult) {
    seenBytes = result.byteCount
    seen.removeAll(keepingCapacity: true)
    for (target, found) in zip(topics.lazy.flatMap(\.targets), result.partitions) {
      guard let entry = target.entry, let end = found.fileEndBefore else { continue }
      seen[entry.id] = SeenPartition(
        bytesMax: target.bytesMax, byteCount: found.slice?.count ?? 0,
        endOffset: found.endBefore, fileEnd: end)
    }
  }

  /// Where its partitions ended when it saw them last, by `LogPartition.id`, while it waits.
  var seenEnds: some Sequence<(id: Int, end: FileEnd)> {
    seen.lazy.map { (id: $0.key, end: $0.value.fileEnd) }
  }

  /// How many bytes it waits for, while it waits.
  var missingBytes: Int { limits.bytesMin - seenBytes }

  /// Takes note of all its partitions, while the fetch waits; true where it is to be looked up.
  func noteAll() -> Bool {
    var isEnough = false
    for entry in entries where suffices(with: entry) { isEnough = true }
    return isEnough
  }

  /// Takes note that one partition's end has moved, while the fetch waits: no other is looked at,
  /// and nothing read. True where the fetch is to be looked up: there is enough now, or the log has
  /// gone on in another segment, or was deleted.
  func suffices(with entry: LogPartition) -> Bool {
    guard let place = seen.index(forKey: entry.id) else { return false }
    let known = seen.values[place]
    let endOffset = entry.published.endOffset.rawValue
    let end = entry.published.fileEnd
    let grown = Int(end.position.rawValue - known.fileEnd.position.rawValue)
    if entry.isDeleted || end.segmentBase != known.fileEnd.segmentBase || grown < 0 { return true }
    // The file's end moves before the log's: these bytes were there at the look, which did not see
    // them.
    if grown == 0 && endOffset != known.endOffset { return true }
    // A first batch is sent whole, however little is asked for.
    let count =
      known.byteCount == 0
      ? grown : max(known.byteCount, min(known.bytesMax, known.byteCount + grown))
    seen.values[place] = SeenPartition(
      bytesMax: known.bytesMax, byteCount: count, endOffset: endOffset, fileEnd: end)
    seenBytes += count - known.byteCount
    return seenBytes >= limits.bytesMin
  }
}

/// What a partition has for a fetch.
struct FetchedPartition: Sendable {
  var error: KafkaError
  /// The log's end before it was looked at: what was appended since then is yet to be seen.
  var endBefore: Int64 = -1
  var fileEndBefore: FileEnd?
  /// Nil where there is no such partition.
  var offsets: LogOffsets?
  var slice: LogSlice?
}

/// What all partitions have.
struct FetchResult: Sendable {
  var partitions: [FetchedPartition] = []
  var byteCount = 0
  var hasError = false
  /// True where more is there than this fetch gives: in the next segment, since it ends at its
  /// segment's end, or a batch that does not fit.
  var hasMore = false
  /// For the operator.
  var failures: [String] = []

  /// True where the answer does not wait for more.
  func suffices(_ job: FetchJob) -> Bool {
    hasError || hasMore || byteCount >= job.limits.bytesMin
      || job.topics.allSatisfy(\.targets.isEmpty)
  }
}

extension FetchJob {
  /// Looks up what there is; nil where that could wait for a disk.
  func lookUpWarm() -> FetchResult? {
    var result = FetchResult()
    for target in topics.lazy.flatMap(\.targets) {
      guard let found = lookUp(target, &result, waitingAllowed: false) else { return nil }
      result.partitions.append(found)
    }
    return result
  }

  /// Looks up what there is on a thread that may wait for a disk. Nil where the slice is over
  /// before all partitions are looked up: the next call goes on.
  func lookUpWaiting(during slice: TimeSlice) -> FetchResult? {
    var result = partial.take() ?? FetchResult()
    let count = topics.reduce(0) { $0 + $1.targets.count }
    for target in topics.lazy.flatMap(\.targets).dropFirst(result.partitions.count) {
      guard let found = lookUp(target, &result, waitingAllowed: true) else {
        preconditionFailure("a lookup that may wait finds something to say of each partition")
      }
      result.partitions.append(found)
      if result.partitions.count < count && slice.isOver {
        partial = result
        return nil
      }
    }
    return result
  }

  private func lookUp(
    _ target: FetchTarget, _ result: inout FetchResult, waitingAllowed: Bool
  ) -> FetchedPartition? {
    guard target.error == .none, let entry = target.entry, !entry.isDeleted else {
      result.hasError = true
      return FetchedPartition(error: target.error == .none ? target.entry.goneError : target.error)
    }
    var found = FetchedPartition(error: .none)
    found.endBefore = entry.published.endOffset.rawValue
    found.fileEndBefore = entry.published.fileEnd
    do throws(LogError) {
      let offset = Offset(target.offset)
      let room = max(0, min(target.bytesMax, limits.bytesMax - result.byteCount))
      // Nothing fits any more, and the offset is there: the log need not be asked.
      if room == 0 && result.byteCount > 0 && offset >= entry.published.startOffset
        && offset <= entry.published.endOffset
      {
        return bounded(found, entry)
      }
      let isPossible = try readers.withReader(entry) { (reader) throws(LogError) in
        if !waitingAllowed && Self.mayWait(&reader, offset) { return false }
        try read(&reader, offset, room, &found, &result)
        return true
      }
      if !isPossible { return nil }
    } catch {
      result.hasError = true
      found.error = KafkaError(error)
      if found.error == .kafkaStorageError { result.failures.append("\(error)") }
    }
    return bounded(found, entry)
  }

  /// With the log's bounds; after the read, so that they cover it.
  private func bounded(_ found: FetchedPartition, _ entry: LogPartition) -> FetchedPartition {
    var found = found
    found.offsets = entry.offsets
    return found
  }

  private func read(
    _ reader: inout LogReader, _ offset: Offset, _ room: Int,
    _ found: inout FetchedPartition, _ result: inout FetchResult
  ) throws(LogError) {
    guard let read = try reader.read(from: offset, bytesMax: room) else { return }
    // The first batch of a response is whole, however large; later ones must fit.
    if result.byteCount > 0 && read.firstBatch.byteCountTotal > room {
      result.hasMore = true
      return
    }
    found.slice = read.slice
    result.byteCount += read.slice.count
    if read.segment.file.successor != nil { result.hasMore = true }
  }

  /// True where the next read touches bytes that may not be in memory.
  private static func mayWait(_ reader: inout LogReader, _ offset: Offset) -> Bool {
    switch reader.place(of: offset) {
    case .end: return false
    case .known(let file, let position):
      guard let kernelFile = file.kernelFile else { return true }
      let end = position.rawValue + Int64(RecordBatchHeader.byteCount)
      return !kernelFile.isCached(position.rawValue..<end)
    case .near(let file, let range):
      return file.kernelFile?.isCached(range) != true || !reader.lookNear(offset)
    case .unknown: return true
    }
  }

  /// The response, with a gap for each slice.
  func respond(_ result: FetchResult) -> OutgoingResponse {
    var response = FetchResponse()
    var slices: [OutgoingSlice] = []
    var next = result.partitions.startIndex
    for topic in topics {
      var answer = FetchResponse.FetchableTopicResponse()
      answer.topic = topic.name
      for target in topic.targets where next < result.partitions.endIndex {
        let found = result.partitions[next]
        next += 1
        answer.partitions.append(data(of: target, found))
        if let slice = found.slice, slice.count > 0 {
          slices.append(OutgoingSlice(slice: slice, transfer: topic.transfer))
        }
      }
      response.responses.append(answer)
    }
    let encoded = EncodedResponse(
      response, to: FetchRequest.self, version: header.apiVersion,
      correlationId: header.correlationId)
    return OutgoingResponse(encoded, slices: slices, hasError: result.hasError)
  }

  private func data(
    of target: FetchTarget, _ found: FetchedPartition
  ) -> FetchResponse.PartitionData {
    var partition = FetchResponse.PartitionData()
    partition.partitionIndex = target.partition
    partition.errorCode = found.error.rawValue
    partition.highWatermark = found.offsets?.highWatermark.rawValue ?? -1
    partition.lastStableOffset = found.offsets?.lastStable.rawValue ?? -1
    partition.logStartOffset = found.offsets?.start.rawValue ?? -1
    partition.abortedTransactions = limits.isCommittedOnly ? [] : nil
    let count = found.slice?.count ?? 0
    partition.records = count > 0 ? .gap(count) : .bytes([])
    return partition
  }
}

extension LogPartition? {
  /// What a fetch is told of a partition that is not served any more: one that is opened anew has no
  /// leader for a moment.
  fileprivate var goneError: KafkaError {
    self?.isFenced == true ? .notLeaderOrFollower : .unknownTopicOrPartition
  }
}
