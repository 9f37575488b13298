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

  /// A figure of one number: a case and its row, and `add` where it is counted.
  package enum Counter: Int, CaseIterable, Sendable {
    case badRequests, requestBytesHeld
    case connectionsOpened, connectionsClosed, receivedBytes, sentBytes
    case appendedBatches, appendedRecords, appendedBytes
    case partitionsOffline, clockDoubted, checkpointLag

    var row: (name: String, kind: MetricsText.Kind, help: String) {
      switch self {
      case .badRequests:
        ("varve_bad_requests_total", .counter, "Requests that could not be read.")
      case .requestBytesHeld:
        (
          "varve_request_held_bytes", .gauge,
          "Memory of requests that are received or served, and of answers that are not sent."
        )
      case .partitionsOffline:
        ("varve_partitions_offline", .gauge, "Partitions whose logs could not be opened.")
      case .clockDoubted:
        (
          "varve_retention_clock_doubted", .gauge,
          "1 while the wall clock has jumped, and retention by time does not go by it."
        )
      case .checkpointLag:
        (
          "varve_checkpoint_lag_bytes", .gauge,
          "Bytes appended that no checkpoint covers: a start after a kill reads them."
        )
      case .connectionsOpened:
        ("varve_connections_opened_total", .counter, "Connections taken.")
      case .connectionsClosed:
        ("varve_connections_closed_total", .counter, "Connections that ended.")
      case .receivedBytes:
        ("varve_network_received_bytes_total", .counter, "Bytes from clients.")
      case .sentBytes: ("varve_network_sent_bytes_total", .counter, "Bytes to clients.")
      case .appendedBatches:
        ("varve_appended_batches_total", .counter, "Batches written to logs.")
      case .appendedRecords:
        ("varve_appended_records_total", .counter, "Records written to logs.")
      case .appendedBytes: ("varve_appended_bytes_total", .counter, "Bytes written to logs.")
      }
    }
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

  package func connectionRefused(reason: RefusalReason) {
    if let index = RefusalReason.allCases.firstIndex(of: reason) { refusals.add(1, at: index) }
  }

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

  func value(_ counter: Counter) -> Int64 { counters.value(at: counter.rawValue) }

  func refused() -> [(RefusalReason, Int64)] {
    RefusalReason.allCases.enumerated().map { ($1, refusals.value(at: $0)) }
  }

  /// More of what a counter counts; less of a gauge, where it is negative.
  package func add(_ counter: Counter, _ value: Int) {
    counters.add(Int64(value), at: counter.rawValue)
  }
}
