/// What one piece of work may take of a shard's thread before others have their turn. Work that is
/// given a slice does one step at least, whatever is left, and stops where a step ends behind the
/// slice's end: so a turn takes its slice and a step at most.
package struct TimeSlice: Sendable {
  private let end: Int64

  /// Begins now.
  package init(nanoseconds: Int64) { end = MonotonicClock.nanoseconds() + nanoseconds }

  /// One that is never over: for whoever has a thread to itself.
  package static let endless = TimeSlice(end: .max)

  private init(end: Int64) { self.end = end }

  package var isOver: Bool { MonotonicClock.nanoseconds() >= end }
}
