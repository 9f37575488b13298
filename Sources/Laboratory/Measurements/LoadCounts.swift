/// What producers and consumers did, beside appending.
package struct LoadCounts: Hashable, Sendable, Codable {
  /// Threads of the load generator: producers, and consumers.
  package var producerCPUSeconds: Double?
  package var consumerCPUSeconds: Double?
  /// Of everything else in the process but the harness: the target.
  package var targetCPUSeconds: Double?
  package var consumedRecords: Int64?
  package var consumedBytes: Int64?
  /// Until every consumer had all that there was, for the first time, and what it had read by then.
  package var catchUpSeconds: Double?
  package var catchUpBytes: Int64?
  /// From the start to the last time at which a record was to be sent; nil in a closed loop.
  package var offeredSeconds: Double?
  /// Acknowledged and not found; nil where nobody looked.
  package var lostRecords: Int64?

  package init() {}
}
