import LogStorage

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

  /// Closes everything. The runner removes the directory afterwards.
  func finish() throws
}

/// What one trial is given.
package struct TrialSetting {
  package let parameters: TrialParameters
  package let backend: BackendChoice
  /// Empty, and the trial's own.
  package let directory: String
  /// Raised when the suite is to end: long work in `prepare` throws `TrialStopped` then.
  package let stop: StopFlag

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

/// What one trial appended.
package struct TrialCounts: Hashable, Sendable {
  /// Nil where the target knows no records.
  package var records: Int64?
  /// Bytes handed to the target, batches' headers included, padding not. Nil where the trial is of
  /// something that moves none.
  package var bytes: Int64?
  /// Appends that failed and were counted instead of thrown.
  package var errors: Int64

  package init(records: Int64?, bytes: Int64?, errors: Int64 = 0) {
    self.records = records
    self.bytes = bytes
    self.errors = errors
  }
}

/// The trial cannot run here; the reason says what is missing.
package struct TrialSkipped: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ reason: String) { description = reason }
}

extension StorageError {
  /// The reason to skip a trial, where the system lacks what the backend needs; nil where something
  /// went wrong.
  package var reasonToSkip: TrialSkipped? {
    switch self {
    case .directUnsupported, .uncachedUnsupported, .preallocationUnsupported, .preallocationRefused,
      .ringUnavailable:
      TrialSkipped("\(self)")
    case .noRoom, .writeFailed, .flushFailed, .readFailed, .fileFailed, .fenced, .unexpectedEnd:
      nil
    }
  }
}

/// The trial was stopped before its end and does not count.
package struct TrialStopped: Error, Hashable, Sendable {
  package init() {}
}
