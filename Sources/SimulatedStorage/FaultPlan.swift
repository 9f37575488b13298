import LinuxIO

/// What goes wrong on a simulated disk, and when. Deterministic: the same plan and the same calls
/// give the same faults.
package struct FaultPlan: Hashable, Sendable {
  /// One error at the nth call of a kind.
  package struct Script: Hashable, Sendable {
    package var operation: DiskOperation
    /// 1 for the first call after the plan was set.
    package var nth: Int
    /// Also every call of the kind after the nth.
    package var goesOn: Bool
    package var error: ErrorNumber
    /// Only calls on paths that end so are counted; all, where empty.
    package var pathSuffix: String
    /// Only calls on paths that begin so are counted; all, where empty.
    package var folder: String

    package init(
      _ operation: DiskOperation, nth: Int, goesOn: Bool = false,
      error: ErrorNumber = .inputOutput, pathSuffix: String = "",
      folder: String = ""
    ) {
      self.operation = operation
      self.nth = nth
      self.goesOn = goesOn
      self.error = error
      self.pathSuffix = pathSuffix
      self.folder = folder
    }
  }

  /// For everything below that is drawn.
  package var seed: UInt64 = 0
  /// That a read of 2 bytes or more gives fewer than it could.
  package var shortReadProbability = 0.0
  /// That a write of 2 bytes or more takes fewer than it could.
  package var shortWriteProbability = 0.0
  /// That a call of the kind fails with EIO.
  package var errorProbabilities: [DiskOperation: Double] = [:]
  package var scripts: [Script] = []
  /// ENOSPC past this many bytes, counted in pages of 4 KiB.
  package var capacityBytes: Int?
  /// EFBIG past this size of one file (RLIMIT_FSIZE).
  package var fileSizeMax = 16 << 30
  /// EMFILE past this many open files.
  package var openFilesMax = Int.max
  /// Why there is no io_uring here.
  package var ringError: ErrorNumber?
  /// That a call takes `slowNanoseconds` on top of its usual time (`SimulatedDisk.elapsedNanoseconds`).
  package var slowProbability = 0.0
  package var slowNanoseconds: Int64 = 100_000_000
  /// From the call with this number on (`SimulatedDisk.operationCount`, 1 for the first) every
  /// call fails with EIO and changes nothing: the power is off.
  package var powerCutAtOperation: Int?

  package init(seed: UInt64 = 0) { self.seed = seed }

  /// A plan with only these errors.
  package init(_ scripts: Script...) { self.scripts = scripts }
}
