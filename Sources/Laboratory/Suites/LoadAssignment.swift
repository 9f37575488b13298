/// Who sends to and reads from which partition.
package struct LoadAssignment {
  /// Of each producer.
  package let produced: [[Int]]
  /// Of each consumer.
  package let consumed: [[Int]]

  /// Partitions are dealt out in turn; where there are fewer than threads, threads share them.
  package init(_ parameters: TrialParameters) {
    produced = Self.deal(parameters.partitions, among: parameters.producers)
    consumed = Self.deal(parameters.partitions, among: parameters.consumers)
  }

  /// Consumer and partition of each connection.
  package var connections: [(consumer: Int, partition: Int)] {
    consumed.enumerated().flatMap { number, partitions in
      partitions.map { (consumer: number, partition: $0) }
    }
  }

  private static func deal(_ partitions: Int, among count: Int) -> [[Int]] {
    (0..<count).map { number in
      number >= partitions
        ? [number % partitions] : Array(stride(from: number, to: partitions, by: count))
    }
  }
}
