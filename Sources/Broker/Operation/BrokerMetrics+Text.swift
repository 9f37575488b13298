/// One partition's figures at the moment of a scrape.
package struct PartitionGauge: Sendable {
  package var topic: String
  package var partition: Int32
  package var bytes: Int64
  package var startOffset: Int64
  package var endOffset: Int64
  package var segments: Int
  package var isFenced: Bool

  package init(
    topic: String, partition: Int32, bytes: Int64, startOffset: Int64, endOffset: Int64,
    segments: Int, isFenced: Bool = false
  ) {
    self.topic = topic
    self.partition = partition
    self.bytes = bytes
    self.startOffset = startOffset
    self.endOffset = endOffset
    self.segments = segments
    self.isFenced = isFenced
  }
}

extension BrokerMetrics {
  /// Everything in Prometheus' text format. Reads a few files under /proc.
  package func text(partitions: [PartitionGauge]) -> String {
    var text = MetricsText()
    writeCounters(&text)
    writeRequests(&text)
    writeConnections(&text)
    writeStorage(&text)
    Self.write(partitions, &text)
    ProcessFigures.current().write(&text)
    return text.text
  }

  private func writeCounters(_ text: inout MetricsText) {
    // Closed is read first, or one that ends in between would be counted below zero.
    let closed = value(.connectionsClosed)
    let now = max(0, value(.connectionsOpened) &- closed)
    text.single("varve_connections", .gauge, now, "Connections now.")
    for counter in Counter.allCases {
      text.single(counter.row.name, counter.row.kind, value(counter), counter.row.help)
    }
  }

  /// Of APIs that somebody has asked for.
  private func writeRequests(_ text: inout MetricsText) {
    let asked = (0...Self.apis).map { (index: $0, reading: requests.read(at: $0)) }
      .filter { $0.reading.count > 0 }
    func label(_ index: Int) -> MetricsText.Labels {
      [(name: "api", value: index == Self.apis ? RequestName.unknown : Self.apiLabel(index))]
    }
    text.begin(
      "varve_request_duration_seconds", .histogram,
      "From a request's last byte until its response was ready to send.")
    for (index, reading) in asked {
      text.histogram("varve_request_duration_seconds", label(index), reading)
    }
    text.begin("varve_request_errors_total", .counter, "Requests whose answer has an error in it.")
    for (index, _) in asked {
      text.sample(
        "varve_request_errors_total", label(index), "\(requestErrors.value(at: index))")
    }
    text.begin(
      "varve_event_loop_delay_seconds", .histogram,
      "How long events waited because their loop was busy.")
    text.histogram("varve_event_loop_delay_seconds", [], loopDelays.read())
  }

  private func writeConnections(_ text: inout MetricsText) {
    text.begin(
      "varve_connections_refused_total", .counter, "Connections closed as soon as they came.")
    for (reason, count) in refused() {
      text.sample(
        "varve_connections_refused_total", [(name: "reason", value: reason.rawValue)], "\(count)")
    }
  }

  private func writeStorage(_ text: inout MetricsText) {
    text.begin("varve_flush_duration_seconds", .histogram, "How long flushes took.")
    text.histogram("varve_flush_duration_seconds", [], flushes.read())
    text.begin(
      "varve_cold_read_duration_seconds", .histogram, "How long reads took that went to the disk.")
    text.histogram("varve_cold_read_duration_seconds", [], coldReads.read())
  }

  private static func write(_ partitions: [PartitionGauge], _ text: inout MetricsText) {
    func gauge(_ name: String, _ help: String, _ value: (PartitionGauge) -> Int64) {
      text.begin(name, .gauge, help)
      for each in partitions {
        text.sample(
          name,
          [(name: "topic", value: each.topic), (name: "partition", value: "\(each.partition)")],
          "\(value(each))")
      }
    }
    gauge("varve_partition_size_bytes", "Bytes of the log.") { $0.bytes }
    gauge("varve_partition_start_offset", "The log's first offset.") { $0.startOffset }
    gauge("varve_partition_end_offset", "The offset that comes next.") { $0.endOffset }
    gauge("varve_partition_segments", "Segments of the log.") { Int64($0.segments) }
    gauge(
      "varve_partition_fenced",
      "1 where nothing can be appended until the partition is opened anew."
    ) {
      $0.isFenced ? 1 : 0
    }
  }

  /// A key without a name is told by its number: there are few.
  private static func apiLabel(_ index: Int) -> String {
    RequestName.names.indices.contains(index) ? RequestName.names[index] : "api_\(index)"
  }
}
