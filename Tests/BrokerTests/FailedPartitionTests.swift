import Foundation
import KafkaProtocol
import LinuxIO
import Records
import SimulatedStorage
import TestSupport
import Testing

/// A disk that fails under a broker, and is mended while it runs.
@Suite("A partition whose disk fails") struct FailedPartitionTests {
  private var failedFlushes: FaultPlan {
    FaultPlan(FaultPlan.Script(.synchronizeData, nth: 1, goesOn: true, folder: "/data/t-0/"))
  }

  private func makeBroker(_ disk: SimulatedDisk) throws -> RunningBroker {
    try RunningBroker(["varve.durability": "batch", "varve.transfer": "copy"], disk: disk)
  }

  /// Sends until the answer is this error: the broker looks after its partitions once a second.
  private func produce(
    _ client: TestClient, _ value: String, until wanted: KafkaError
  ) throws -> Int64? {
    for _ in 0..<300 {
      let answer = try client.produce(try batch(value), to: "t", 0)
      if answer?.errorCode == wanted.rawValue { return answer?.baseOffset }
      usleep(50_000)
    }
    Issue.record("no answer \(wanted) within 15 s")
    return nil
  }

  @Test("It takes appends again when the disk is mended, without a restart; the others go on")
  func mends() throws {
    let disk = SimulatedDisk()
    let running = try makeBroker(disk)
    let client = try running.client()
    #expect(try client.create("t", partitions: 2) == 0)
    for value in ["a", "b", "c"] {
      #expect(try client.produce(try batch(value), to: "t", 0)?.errorCode == 0)
    }
    disk.set(failedFlushes)
    let failed = try client.produce(try batch("d"), to: "t", 0)
    #expect(failed?.errorCode == KafkaError.kafkaStorageError.rawValue)
    #expect(try client.produce(try batch("x"), to: "t", 1)?.errorCode == 0)
    // It cannot be opened either while the disk fails: nobody is told that an append is there.
    usleep(1_500_000)
    let again = try client.produce(try batch("e"), to: "t", 0)
    #expect(
      [KafkaError.kafkaStorageError.rawValue, KafkaError.notLeaderOrFollower.rawValue]
        .contains(again?.errorCode))
    #expect(try client.produce(try batch("y"), to: "t", 1)?.errorCode == 0)
    disk.set(FaultPlan())
    let offset = try produce(client, "f", until: .none)
    let found = try values(in: client.fetch("t", 0, from: 0).bytes)
    #expect(found.map(\.value).starts(with: ["a", "b", "c"]))
    // "d" is in doubt, and may be there.
    #expect(found.last?.value == "f" && found.last?.offset == offset)
    #expect([4, 5].contains(found.count))
  }

  @Test("A fetch that waits there is told to look for the partition again, and not left waiting")
  func wakesFetches() throws {
    let disk = SimulatedDisk()
    let running = try makeBroker(disk)
    let client = try running.client()
    #expect(try client.create("t", partitions: 1) == 0)
    #expect(try client.produce(try batch("a"), to: "t", 0)?.errorCode == 0)
    // SAFETY: the other thread's alone.
    nonisolated(unsafe) let reader = try running.client()
    let waiting = try WorkerThread {
      try? reader.fetch("t", 0, from: 1, waiting: 60_000).error
    }
    usleep(200_000)
    disk.set(failedFlushes)
    _ = try client.produce(try batch("b"), to: "t", 0)
    disk.set(FaultPlan())
    #expect(waiting.join() == KafkaError.notLeaderOrFollower.rawValue)
    _ = try produce(client, "c", until: .none)
  }
}
