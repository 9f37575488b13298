import Records
import Testing

@Suite struct PartitionerTests {
  private func hash(_ text: String) -> Int32 { Murmur2.hash(Array(text.utf8).span.bytes) }

  @Test(
    "murmur2 gives what Kafka's own test expects",
    arguments: [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ] as [(String, Int32)])
  func kafkaVectors(_ key: String, _ expected: Int32) {
    #expect(hash(key) == expected)
  }

  // Made by kafka-python 3.0.12's kafka.partitioner.default.murmur2.
  @Test(
    "murmur2 and the partition of twelve are what kafka-python makes of them",
    arguments: [
      ([], 275_646_681, 9),
      (Array("a".utf8), -1_563_381_124, 4),
      (Array("ab".utf8), 316_155_434, 2),
      (Array("abcd".utf8), -1_323_649_548, 8),
      (Array("N14228".utf8), -1_499_626_080, 8),
      (Array("UA1545".utf8), -2_001_577_626, 2),
      (Array("✈ Zürich".utf8), -1_630_170_789, 11),
      ([0, 0, 0, 0], 850_957_120, 4),
      ([0xff], -311_467_685, 3),
      ([0xff, 0xfe, 0xfd], 998_637_092, 8),
      ([UInt8](0...255), -1_948_347_274, 10),
      ([UInt8](repeating: 0x80, count: 7), -1_845_943_597, 7),
    ] as [([UInt8], Int32, Int32)])
  func kafkaPythonVectors(_ key: [UInt8], _ expected: Int32, _ partition: Int32) {
    #expect(Murmur2.hash(key.span.bytes) == expected)
    #expect(Murmur2.partition(for: key.span.bytes, of: 12) == partition)
  }

  @Test("keyed records go by their key, whatever the policy, and an empty key is one")
  func keyed() {
    for policy in [Partitioner.KeylessPolicy.roundRobin, .sticky] {
      var partitioner = Partitioner(partitionCount: 12, keyless: policy)
      let key = Array("N14228".utf8)
      #expect(partitioner.partition(for: key.span.bytes) == 8)
      #expect(partitioner.partition(for: nil) == 0)
      #expect(partitioner.partition(for: key.span.bytes) == 8)
      #expect(partitioner.partition(for: [UInt8]().span.bytes) == 9)
    }
  }

  @Test("keyless records go round from partition 0")
  func roundRobin() {
    var partitioner = Partitioner(partitionCount: 3)
    var chosen: [Int32] = []
    for _ in 0..<7 {
      chosen.append(partitioner.partition(for: nil))
      partitioner.batchCompleted(on: 0)
    }
    #expect(chosen == [0, 1, 2, 0, 1, 2, 0])
  }

  @Test("a sticky partition is kept until its own batch is complete")
  func sticky() {
    var partitioner = Partitioner(partitionCount: 2, keyless: .sticky)
    #expect((0..<5).map { _ in partitioner.partition(for: nil) } == [0, 0, 0, 0, 0])
    partitioner.batchCompleted(on: 1)
    #expect(partitioner.partition(for: nil) == 0)
    partitioner.batchCompleted(on: 0)
    #expect(partitioner.partition(for: nil) == 1)
    partitioner.batchCompleted(on: 1)
    #expect(partitioner.partition(for: nil) == 0)
  }
}
