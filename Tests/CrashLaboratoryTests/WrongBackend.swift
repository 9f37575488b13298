import CrashLaboratory
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import StorageBackends
import TestSupport

/// The buffered backend with one mistake, to see that the laboratory finds it. Everything else is
/// forwarded.
final class WrongBackend: AnyStorageBackend {
  enum Mistake: Sendable {
    /// Answers a flush, and flushes nothing.
    case flushesNothing
    /// Flushes nothing, and never says that it has ended.
    case answersNoFlush
    /// Says that an append was written, and writes nothing.
    case writesNothing
    /// Fails appends on a disk that does not.
    case refusesAppends
  }

  private let base: any AnyStorageBackend
  private let mistake: Mistake

  init(_ base: any AnyStorageBackend, _ mistake: Mistake) {
    self.base = base
    self.mistake = mistake
  }

  var capabilities: StorageCapabilities { base.capabilities }
  var fileIO: any FileIO { base.fileIO }

  func open(_ file: SegmentFile, _ options: SegmentOptions) throws(StorageError) -> SegmentID {
    try base.open(file, options)
  }

  func placement(of segment: SegmentID) -> Int { base.placement(of: segment) }

  func append(_ buffer: consuming AlignedBuffer, to segment: SegmentID) -> Submission {
    let result: Result<FilePosition, StorageError>
    switch mistake {
    case .flushesNothing, .answersNoFlush: return base.append(buffer, to: segment)
    case .writesNothing: result = .success(.zero)
    case .refusesAppends:
      result = .failure(.writeFailed(SystemCallError(.pwrite, .inputOutput, path: "")))
    }
    return .completed(
      AppendCompletion(
        ticket: AppendTicket(rawValue: 0), segment: segment, buffer: buffer, result: result))
  }

  func flush(_ segments: [SegmentID]) -> FlushTicket {
    switch mistake {
    case .flushesNothing, .answersNoFlush: base.flush([])
    case .writesNothing, .refusesAppends: base.flush(segments)
    }
  }

  func reap(
    waiting: Bool, _ body: (consuming Completion) -> Void
  ) throws(StorageError) -> Int {
    guard mistake == .answersNoFlush else { return try base.reap(waiting: waiting, body) }
    return try base.reap(waiting: waiting) { completion in
      switch consume completion {
      case .append(let append): body(.append(append))
      case .flush: break
      }
    }
  }

  func truncate(_ segment: SegmentID, to position: FilePosition) throws(StorageError) {
    try base.truncate(segment, to: position)
  }

  func seal(_ segment: SegmentID) throws(StorageError) { try base.seal(segment) }
  func abandon(_ segment: SegmentID) { base.abandon(segment) }
}

extension WrongBackend {
  /// For histories.
  static func crashBackend(_ mistake: Mistake) -> CrashBackend {
    CrashBackend(BufferedBackend<SimulatedFileIO>.capabilities) {
      (io, options) throws(StorageError) in
      WrongBackend(try BackendUnderTest.buffered.make(io, options: options), mistake)
    }
  }
}
