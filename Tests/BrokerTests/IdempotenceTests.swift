import KafkaProtocol
import Records
import TestSupport
import Testing

/// Sequences of idempotent producers (KIP-98), over the wire.
@Suite("Idempotent producers") struct IdempotenceTests {
  private func stamp(_ sequence: Int32, epoch: Int16 = 0, id: Int64 = 7) -> ProducerStamp {
    ProducerStamp(id: id, epoch: epoch, baseSequence: sequence)
  }

  @Test("a batch that is sent again is answered with its offset, and not appended again")
  func duplicate() throws {
    let running = try RunningBroker()
    let client = try running.client()
    #expect(try client.create("t", partitions: 1) == 0)
    for sequence in Int32(0)..<3 {
      let sent = try batch("\(sequence)", producer: stamp(sequence))
      #expect(try client.produce(sent, to: "t", 0)?.baseOffset == Int64(sequence))
    }
    let again = try client.produce(try batch("1", producer: stamp(1)), to: "t", 0)
    #expect(again?.errorCode == 0)
    #expect(again?.baseOffset == 1)
    #expect(try values(in: client.fetch("t", 0, from: 0).bytes).map(\.value) == ["0", "1", "2"])
  }

  @Test("a gap in the sequence and an older epoch are refused")
  func refused() throws {
    let running = try RunningBroker()
    let client = try running.client()
    #expect(try client.create("t", partitions: 1) == 0)
    _ = try client.produce(try batch("0", producer: stamp(0, epoch: 1)), to: "t", 0)
    let gap = try client.produce(try batch("2", producer: stamp(2, epoch: 1)), to: "t", 0)
    #expect(gap?.errorCode == KafkaError.outOfOrderSequenceNumber.rawValue)
    let old = try client.produce(try batch("1", producer: stamp(1, epoch: 0)), to: "t", 0)
    #expect(old?.errorCode == KafkaError.invalidProducerEpoch.rawValue)
    #expect(try values(in: client.fetch("t", 0, from: 0).bytes).map(\.value) == ["0"])
  }

  @Test("what is known of a producer survives a restart")
  func restart() throws {
    let directory = TemporaryDirectory()
    do {
      let running = try RunningBroker(in: directory)
      let client = try running.client()
      #expect(try client.create("t", partitions: 1) == 0)
      _ = try client.produce(try batch("0", producer: stamp(0)), to: "t", 0)
      _ = try client.produce(try batch("1", producer: stamp(1)), to: "t", 0)
    }
    let running = try RunningBroker(in: directory)
    let client = try running.client()
    let again = try client.produce(try batch("0", producer: stamp(0)), to: "t", 0)
    #expect(again?.baseOffset == 0)
    let gap = try client.produce(try batch("3", producer: stamp(3)), to: "t", 0)
    #expect(gap?.errorCode == KafkaError.outOfOrderSequenceNumber.rawValue)
    let next = try client.produce(try batch("2", producer: stamp(2)), to: "t", 0)
    #expect(next?.baseOffset == 2)
  }

  @Test("no two producers get one id, over a restart too")
  func identities() throws {
    let directory = TemporaryDirectory()
    var seen: Set<Int64> = []
    for _ in 0..<2 {
      let running = try RunningBroker(in: directory)
      let client = try running.client()
      for _ in 0..<3 {
        let answer = try client.ask(InitProducerIdRequest(), version: 4)
        #expect(answer.errorCode == 0)
        #expect(seen.insert(answer.producerId).inserted)
      }
    }
  }
}
