import Broker
import Testing

@Suite("Broker metrics")
struct MetricsTests {
  @Test("what was counted is what is said")
  func counts() throws {
    let metrics = BrokerMetrics()
    metrics.add(.receivedBytes, 10)
    metrics.add(.sentBytes, 20)
    for _ in 0..<3 { metrics.add(.connectionsOpened, 1) }
    metrics.add(.connectionsClosed, 1)
    metrics.connectionRefused(reason: .descriptors)
    metrics.appended(batches: 1, records: 2, bytes: 3)
    metrics.add(.requestBytesHeld, 500)
    metrics.add(.requestBytesHeld, -200)
    metrics.add(.badRequests, 1)
    metrics.flushEnded(nanoseconds: 1_500_000_000)
    let scrape = try Scrape(metrics.text(partitions: []))
    #expect(scrape["varve_network_received_bytes_total"] == 10)
    #expect(scrape["varve_network_sent_bytes_total"] == 20)
    #expect(scrape["varve_connections"] == 2)
    #expect(scrape["varve_connections_refused_total{reason=descriptors}"] == 1)
    #expect(scrape["varve_connections_refused_total{reason=max_connections}"] == 0)
    #expect(scrape["varve_appended_batches_total"] == 1)
    #expect(scrape["varve_appended_records_total"] == 2)
    #expect(scrape["varve_appended_bytes_total"] == 3)
    #expect(scrape["varve_request_held_bytes"] == 300)
    #expect(scrape["varve_bad_requests_total"] == 1)
    #expect(scrape["varve_flush_duration_seconds_sum"] == 1.5)
    #expect(scrape["varve_flush_duration_seconds_bucket{le=1}"] == 0)
    #expect(scrape["varve_flush_duration_seconds_bucket{le=2}"] == 1)
    #expect(scrape["varve_cold_read_duration_seconds_count"] == 0)
  }

  @Test("requests are told apart by API; a key from nowhere is one of the unknown")
  func requests() throws {
    let metrics = BrokerMetrics()
    metrics.requestEnded(api: 0, nanoseconds: 60_000, error: false)
    metrics.requestEnded(api: 0, nanoseconds: 50_000, error: true)
    metrics.requestEnded(api: 18, nanoseconds: 11_000_000_000, error: false)
    metrics.requestEnded(api: 90, nanoseconds: -5, error: false)
    for api in [Int16.min, -1, 91, Int16.max] {
      metrics.requestEnded(api: api, nanoseconds: Int64.max, error: true)
    }
    let scrape = try Scrape(metrics.text(partitions: []))
    let name = "varve_request_duration_seconds"
    #expect(scrape["\(name)_count{api=Produce}"] == 2)
    #expect(scrape["\(name)_bucket{api=Produce,le=0.00005}"] == 1)
    #expect(scrape["\(name)_bucket{api=Produce,le=0.0001}"] == 2)
    #expect(scrape["\(name)_sum{api=Produce}"] == 0.00011)
    #expect(scrape["varve_request_errors_total{api=Produce}"] == 1)
    #expect(scrape["\(name)_bucket{api=ApiVersions,le=10}"] == 0)
    #expect(scrape["\(name)_bucket{api=ApiVersions,le=+Inf}"] == 1)
    #expect(scrape["\(name)_sum{api=api_90}"] == 0)
    #expect(scrape["varve_request_errors_total{api=unknown}"] == 4)
    #expect(scrape["\(name)_count{api=Fetch}"] == nil)
  }

  @Test("buckets never fall, end at the count, and each metric is one family with HELP and TYPE")
  func format() throws {
    let metrics = BrokerMetrics()
    for exponent in 0..<40 {
      metrics.requestEnded(api: 1, nanoseconds: 1 << exponent, error: false)
      metrics.loopDelay(nanoseconds: 1 << exponent)
      metrics.coldRead(nanoseconds: 1 << exponent)
    }
    let text = metrics.text(partitions: [
      PartitionGauge(
        topic: "a", partition: 0, bytes: 1, startOffset: 2, endOffset: 3, segments: 4)
    ])
    #expect(text.hasSuffix("\n"))
    let scrape = try Scrape(text)
    let buckets = scrape.samples.filter {
      $0.key.hasPrefix("varve_request_duration_seconds_bucket{api=Fetch")
    }.map(\.value)
    #expect(buckets.count == DurationHistograms.bounds.count + 1)
    #expect(buckets == buckets.sorted() && buckets.last == 40)
    #expect(scrape["varve_request_duration_seconds_count{api=Fetch}"] == 40)
    #expect(scrape["process_resident_memory_bytes"] ?? 0 > 1_048_576)
    #expect(scrape["process_open_fds"] ?? 0 >= 3)
    #expect(scrape["process_start_time_seconds"] ?? 0 > 1_600_000_000)
    #expect(scrape["process_cpu_seconds_total"] ?? 0 > 0)
  }

  @Test("partitions carry their names, escaped")
  func partitions() throws {
    let odd = "a\"b\\c\nd"
    let text = BrokerMetrics().text(partitions: [
      PartitionGauge(
        topic: odd, partition: 7, bytes: 10, startOffset: 20, endOffset: 30, segments: 2,
        isFenced: true)
    ])
    #expect(text.contains(#"{topic="a\"b\\c\nd",partition="7"} 10"#))
    let scrape = try Scrape(text)
    let labels = "{topic=\(odd),partition=7}"
    #expect(scrape["varve_partition_size_bytes\(labels)"] == 10)
    #expect(scrape["varve_partition_start_offset\(labels)"] == 20)
    #expect(scrape["varve_partition_end_offset\(labels)"] == 30)
    #expect(scrape["varve_partition_segments\(labels)"] == 2)
    #expect(scrape["varve_partition_fenced\(labels)"] == 1)
  }

  @Test("nothing is lost when threads count together")
  func together() async throws {
    let metrics = BrokerMetrics()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<10_000 {
            metrics.add(.sentBytes, 3)
            metrics.requestEnded(api: 1, nanoseconds: 1000, error: false)
          }
        }
      }
    }
    let scrape = try Scrape(metrics.text(partitions: []))
    #expect(scrape["varve_network_sent_bytes_total"] == 120_000)
    #expect(scrape["varve_request_duration_seconds_count{api=Fetch}"] == 40_000)
  }

  @Test("API names are Kafka's, by key")
  func names() {
    let expected: [Int16: String] = [
      0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 10: "FindCoordinator",
      18: "ApiVersions", 19: "CreateTopics", 20: "DeleteTopics", 21: "DeleteRecords",
      22: "InitProducerId", 23: "OffsetForLeaderEpoch", 29: "DescribeAcls",
      32: "DescribeConfigs", 33: "AlterConfigs", 35: "DescribeLogDirs", 37: "CreatePartitions",
      44: "IncrementalAlterConfigs", 60: "DescribeCluster", 75: "DescribeTopicPartitions",
      76: "unknown", -1: "unknown",
    ]
    for (api, name) in expected { #expect(RequestName.of(api) == name) }
  }

  @Test("seconds are exact")
  func seconds() {
    #expect(MetricsText.seconds(50_000) == "0.00005")
    #expect(MetricsText.seconds(1) == "0.000000001")
    #expect(MetricsText.seconds(10_000_000_000) == "10")
    #expect(MetricsText.seconds(-1_500_000_000) == "-1.5")
    #expect(MetricsText.seconds(.min) == "-9223372036.854775808")
  }
}
