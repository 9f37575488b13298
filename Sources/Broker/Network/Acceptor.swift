import LinuxIO

/// Takes the connections that come, for all event loops. Belongs to the thread of one of them.
struct Acceptor {
  private static let retryNanoseconds: Int64 = 100_000_000

  private let listener: any ChannelListener
  /// The earliest time to call accept(2): `.max` until `note` says that a connection waits, later
  /// than now after an error.
  private(set) var nextLook: Int64 = 0

  init(_ listener: any ChannelListener) { self.listener = listener }

  /// A connection waits.
  mutating func note() { nextLook = 0 }

  /// Takes those that wait, and hands them to the loops in turn.
  mutating func accept(_ services: BrokerServices, now: Int64) {
    if now < nextLook { return }
    let slice = TimeSlice(nanoseconds: LoopContext.sliceNanoseconds)
    repeat {
      do throws(SystemCallError) {
        guard let channel = try listener.acceptChannel() else {
          nextLook = .max
          return
        }
        services.admit(channel)
      } catch {
        // Out of descriptors, mostly: those that wait are taken when there are some again.
        services.log.limited("accept", "a connection could not be taken: \(error)")
        services.metrics.connectionRefused(reason: .descriptors)
        nextLook = now + Self.retryNanoseconds
        return
      }
    } while !slice.isOver
  }
}
