import CommitLog
import LinuxIO
import LogStorage
import Measurements
import Suites

/// What a trial drives: bare system calls, the embedded log; later a socket, a broker.
///
/// One value serves one trial. The runner calls `prepare`, `run`, `synchronize` and `finish`, in
/// this order and from one thread; `finish` after any of them threw, too. Only `run` is measured.
/// A throw of `TrialSkipped` makes the trial's row `skipped` and of `TrialStopped` leaves it out;
/// any other error makes it `failed`.
package protocol LoadTarget: AnyObject {
  /// Opens and creates what the trial needs in its own empty directory, builds every buffer, and
  /// appends `prefillBytes`.
  func prepare(_ trial: TrialSetting) throws

  /// Appends until the trial's length is reached or `recorder.isStopped`, and records the service
  /// time of each append. No allocation, and nothing that a user of the target would not do.
  func run(_ recorder: TrialRecorder) throws -> TrialCounts

  /// Makes durable what `run` appended; timed apart.
  func synchronize() throws

  /// After `prepare`: the bytes of a typical append. Memory is warmed by writes of that size, since
  /// the kernel takes pages of other sizes, from elsewhere, for writes that end inside a page.
  var appendBytes: Int { get }

  /// Brings what the trial will read into the stated cache state: the last thing before `run`.
  func bringCacheToState() throws

  /// Closes everything. The runner removes the directory afterwards.
  func finish() throws
}

extension LoadTarget {
  package func bringCacheToState() throws {}
}

/// What one trial is given.
package struct TrialSetting {
  package var parameters: TrialParameters
  package let backend: BackendChoice
  /// Nil where the program has none of that name.
  package var transfer: TransferChoice?
  /// Empty, and the trial's own.
  package let directory: String
  /// Raised when the suite is to end: long work in `prepare` throws `TrialStopped` then.
  package let stop: StopFlag
  /// Of everything random in the trial: the same for all cells of a block, and another in each
  /// block.
  package var seed: UInt64 = 1
  /// Is told of calls that take long.
  package var watch: (any FileWatch)?

  package init(
    parameters: TrialParameters, backend: BackendChoice, directory: String,
    stop: StopFlag = StopFlag()
  ) {
    self.parameters = parameters
    self.backend = backend
    self.directory = directory
    self.stop = stop
  }
}

extension TrialSetting {
  /// Throws `TrialSkipped` where several appends are to be under way at once and cannot be.
  func checkQueueDepth() throws(TrialSkipped) {
    if parameters.queueDepth > 1 && !backend.capabilities.isAsynchronous {
      throw TrialSkipped("'\(backend.name)' is synchronous: queue_depth 1 only")
    }
  }
}

/// What one trial appended.
package struct TrialCounts: Hashable, Sendable {
  /// Nil where the target knows no records.
  package var records: Int64?
  /// Bytes handed to the target, batches' headers included, padding not. Nil where the trial is of
  /// something that moves none.
  package var bytes: Int64?
  /// Appends that failed and were counted instead of thrown.
  package var errors: Int64
  /// What a transfer cost on either side; nil where the process is what is measured.
  package var transfer: TransferCost?
  /// What producers and consumers did; nil of a target that they do not load.
  package var load: LoadCounts?
  /// How long it took, where that is not how long `run` took.
  package var seconds: Double?

  package init(records: Int64?, bytes: Int64?, errors: Int64 = 0) {
    self.records = records
    self.bytes = bytes
    self.errors = errors
  }
}

/// What sending a log took.
package struct TransferCost: Hashable, Sendable {
  /// Of the thread that sent, and of the one that received.
  package var sender: ResourceUsage
  package var receiver: ResourceUsage
  /// MSG_ZEROCOPY sends that were answered for, and those among them that were copied; nil where
  /// the path makes none.
  package var zeroCopySends: Int64?
  package var zeroCopyFallbacks: Int64?
}

/// The trial cannot run here; the reason says what is missing.
package struct TrialSkipped: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ reason: String) { description = reason }
}

extension TrialSkipped {
  /// The reason to skip a trial, where `error` says that the system or a limit of the process lacks
  /// what the trial needs, whichever target and layer met it; nil where something went wrong.
  package init?(_ error: any Error) {
    switch error {
    case let skipped as TrialSkipped: self = skipped
    case let error as LogError:
      guard let cause = error.cause else { return nil }
      self.init(cause)
    case let error as StorageError:
      if error.isUnsupported {
        self.init("\(error)")
        return
      }
      switch error {
      case .writeFailed(let cause), .readFailed(let cause), .fileFailed(let cause):
        guard ProcessLimit(cause) != nil else { return nil }
        self.init("\(error)")
      case .noRoom(let cause):
        // A full disk is a failure: it was not full when the trial began.
        guard ProcessLimit(cause) == .fileSize else { return nil }
        self.init("\(error)")
      case .flushFailed, .fenced, .unexpectedEnd, .directUnsupported, .uncachedUnsupported,
        .preallocationUnsupported, .preallocationRefused, .ringUnavailable:
        return nil
      }
    case let error as SystemCallError:
      guard ProcessLimit(error) != nil else { return nil }
      self.init("\(error)")
    default: return nil
    }
  }
}

extension LogError {
  /// The failure below the log, where there is one.
  fileprivate var cause: (any Error)? {
    switch self {
    case .storage(let error), .fenced(_, let error), .lostBehindFailure(_, let error): error
    case .system(let error): error
    case .batch, .batchTooLarge, .offsetOutOfRange, .damaged, .opening, .interrupted,
      .directoryInUse, .noDirectory, .unknownBackend, .topicExists, .unknownTopic, .topicOffline,
      .unknownPartition, .invalidTopicName,
      .invalidPartitionCount, .partitionCountNotRaised, .invalidSetting,
      .notRepairable:
      nil
    }
  }
}

/// The trial was stopped before its end and does not count.
package struct TrialStopped: Error, Hashable, Sendable {
  package init() {}
}
