import Testing

/// The threads of a loaded trial beside each other: `Scripts/test` runs these under ThreadSanitizer.
@Suite(.serialized) struct LoadConcurrencyTests {
  @Test(arguments: ["none", "group"])
  func `producers, log, senders and consumers share nothing that they do not hand over`(
    durability: String
  ) throws {
    try SuiteRunTests().load(
      """
      durability: \(durability), arrival: max, records: 10000, producers: 2, consumers: 2, partitions: 3,
      in_flight: 3, segment_bytes: 1MiB
      """, "target: [embedded, stream], backend: [buffered, direct, uring]"
    ) { row, _ in
      #expect(row["status"] == "ok" || row["status"] == "skipped", "\(row)")
    }
  }

  @Test func `arrivals at a rate come from threads that sleep`() throws {
    try SuiteRunTests().load(
      """
      durability: group, arrival: poisson, rate: 20000, duration: 300ms, producers: 3, consumers: 1,
      partitions: 2, linger_ms: 1, stall_ms: 20, stall_at_ms: 100
      """, "target: [embedded, stream]"
    ) { row, _ in
      #expect(["ok", "saturated"].contains(row["status"]), "\(row)")
    }
  }
}
