import Glibc

/// Which mistake this process makes, by the name of its patch; nil for none.
///
/// `Scripts/build-mutants` copies this file into the patched tree. The product has neither the file nor
/// the patches.
package enum Mutant: String, CaseIterable, Sendable {
  case acknowledgeBeforeFlush = "acknowledge-before-flush"
  case believeClockJumps = "believe-clock-jumps"
  case believeFencedLog = "believe-fenced-log"
  case countLaterAppendsAsFlushed = "count-later-appends-as-flushed"
  case flushWithoutDirectory = "flush-without-directory"
  case forgetSecondSlice = "forget-second-slice"
  case noteProgressEarly = "note-progress-early"
  case recoverPastBadBatch = "recover-past-bad-batch"
  case retryFailedFlush = "retry-failed-flush"
  case tailBlockTwice = "tail-block-twice"
  case tellBeforeFlush = "tell-before-flush"
  case trustIndexAfterCrash = "trust-index-after-crash"
  case trustPreallocatedTail = "trust-preallocated-tail"
  case writeAndFlushUnlinked = "write-and-flush-unlinked"

  /// From the environment variable VARVE_MUTANT, once.
  private static let chosen: Mutant? = {
    guard let name = getenv("VARVE_MUTANT").map({ String(cString: $0) }), name != "none" else {
      return nil
    }
    guard let mutant = Mutant(rawValue: name) else {
      fatalError("VARVE_MUTANT is '\(name)', expected 'none' or one of \(allCases.map(\.rawValue))")
    }
    return mutant
  }()

  package var isChosen: Bool { self == Self.chosen }
}
