/// A promise that the log did not keep.
package struct Violation: Error, Hashable, Sendable {
  /// What was promised; a reduced history must break the same promise.
  package enum Promise: String, CaseIterable, Hashable, Sendable {
    /// What was acknowledged as durable is there after a power cut.
    case durableKept = "durable-kept"
    /// What was acknowledged is there after the process was killed.
    case acknowledgedKept = "acknowledged-kept"
    /// After a clean stop everything is there.
    case cleanStopKept = "clean-stop-kept"
    /// What is there is a prefix of what was appended, unaltered, without a hole or a duplicate.
    case prefix
    /// What only a jump of the wall clock makes old stays.
    case youngKept = "young-kept"
    /// The log's start is where retention left it.
    case start
    /// Under `interval`, nothing older than `flush.ms` and a tick, and no more than
    /// `varve.flush.bytes`, is lost; the bytes of synchronous backends only, whose flush ends before the
    /// append returns.
    case intervalBound = "interval-bound"
    /// A reader finds by the indexes what a scan finds.
    case indexes
    /// Recovering again changes nothing.
    case recoversOnce = "recovers-once"
    /// The log opens.
    case opens
    /// What nothing stands in the way of succeeds, and nobody waits for ever.
    case goesOn = "goes-on"
    /// Damage below what is durable is told, and what is read is never altered.
    case damageTold = "damage-told"
    /// No store to a mapping is SIGBUS.
    case noFatalStore = "no-fatal-store"
  }

  package let promise: Promise
  /// The step at which it showed, from 1; past the last one where it was in the final check.
  package internal(set) var step = 0
  package let text: String

  init(_ promise: Promise, _ text: String) {
    self.promise = promise
    self.text = text
  }
}

extension Violation: CustomStringConvertible {
  package var description: String { "\(promise.rawValue): \(text)" }
}
