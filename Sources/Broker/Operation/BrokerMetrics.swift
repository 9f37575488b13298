/// Why a connection was closed as soon as it was there.
package enum RefusalReason: String, CaseIterable, Sendable {
  /// `max.connections` are there already.
  case connectionLimit = "max_connections"
  /// `max.connections.per.ip` are there from its address.
  case addressLimit = "max_connections_per_ip"
  /// The process may open no more descriptors.
  case descriptors
  /// A socket could not be set up.
  case socket
  case stopping
}

/// What a broker counts. Event loops and I/O threads bump it without a lock, each figure for
/// itself; `text` may be asked for at any time from any thread.
package final class BrokerMetrics: Sendable {
  /// API keys 0 to 90, and one place for all others.
  static let apis = 91

  enum Counter: Int, CaseIterable {
    case receivedBytes, sentBytes, connectionsOpened, connectionsClosed, badRequests
    case appendedBatches, appendedRecords, appendedBytes, requestBytesHeld
  }

  let requests = DurationHistograms(apis + 1)
  let requestErrors = CounterBlock(apis + 1)
  let flushes = DurationHistograms(1)
  let loopDelays = DurationHistograms(1)
  let coldReads = DurationHistograms(1)
  private let counters = CounterBlock(Counter.allCases.count)
  private let refusals = CounterBlock(RefusalReason.allCases.count)

  package init() {}

  /// A request was answered, `nanoseconds` after it had arrived whole; `error` where any part of
  /// the answer is an error.
  package func requestEnded(api: Int16, nanoseconds: Int64, error: Bool) {
    let index = (0..<Self.apis).contains(Int(api)) ? Int(api) : Self.apis
    requests.add(nanoseconds, at: index)
    if error { requestErrors.add(1, at: index) }
  }

  /// Bytes came in from clients.
  package func received(_ bytes: Int) { add(.receivedBytes, bytes) }

  /// Bytes went out to clients.
  package func sent(_ bytes: Int) { add(.sentBytes, bytes) }

  package func connectionOpened() { add(.connectionsOpened, 1) }

  /// One that was opened; not one that was refused.
  package func connectionClosed() { add(.connectionsClosed, 1) }

  package func connectionRefused(reason: RefusalReason) {
    if let index = RefusalReason.allCases.firstIndex(of: reason) { refusals.add(1, at: index) }
  }

  /// A request could not be read, and its connection was closed.
  package func badRequest() { add(.badRequests, 1) }

  /// Batches were written to logs.
  package func appended(batches: Int, records: Int, bytes: Int) {
    add(.appendedBatches, batches)
    add(.appendedRecords, records)
    add(.appendedBytes, bytes)
  }

  package func flushEnded(nanoseconds: Int64) { flushes.add(nanoseconds) }

  /// How long an event waited because its loop was busy.
  package func loopDelay(nanoseconds: Int64) { loopDelays.add(nanoseconds) }

  /// How long a read took that had to leave the event loop.
  package func coldRead(nanoseconds: Int64) { coldReads.add(nanoseconds) }

  /// Memory of requests that are received or served: more of it, or less where `bytes` is negative.
  package func requestBytesHeld(_ bytes: Int) { add(.requestBytesHeld, bytes) }

  func value(_ counter: Counter) -> Int64 { counters.value(at: counter.rawValue) }

  func refused() -> [(RefusalReason, Int64)] {
    RefusalReason.allCases.enumerated().map { ($1, refusals.value(at: $0)) }
  }

  private func add(_ counter: Counter, _ value: Int) {
    counters.add(Int64(value), at: counter.rawValue)
  }
}
