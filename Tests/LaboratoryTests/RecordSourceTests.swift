import Foundation
import LinuxIO
import Load
import Records
import Suites
import TestSupport
import Testing

struct RecordSourceTests {
  struct Seen: Equatable {
    var stamp: Int64?
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [String: [UInt8]?] = [:]
  }

  /// So many records of a source, in batches of up to `batchBytes`; each batch's bytes too.
  private func records(
    _ source: RecordSource, _ count: Int, batchBytes: Int = 16384
  ) throws -> (records: [Seen], batches: [Int]) {
    var all: [Seen] = []
    var batches: [Int] = []
    while all.count < count {
      var builder = RecordBatchBuilder(buffer: AlignedBuffer(capacity: batchBytes + 4096))
      while builder.isEmpty || builder.byteCount + source.nextByteCountMax <= batchBytes {
        try source.append(
          to: &builder, stamp: 1_000_000 + Int64(all.count + builder.recordCount), timestamp: 77)
      }
      let buffer = builder.finish(baseOffset: .zero)
      try buffer.withBytes { bytes in
        let batch = try RecordBatchView(bytes)
        try batch.verifyChecksum()
        batches.append(bytes.byteCount)
        var cursor = try batch.records()
        while let record = try cursor.next() {
          var seen = Seen(stamp: RecordSource.stamp(of: record))
          if let key = record.key { seen.key = key.withUnsafeBytes { Array($0) } }
          if let value = record.value { seen.value = value.withUnsafeBytes { Array($0) } }
          var headers = record.headers
          while let header = headers.next() {
            let name = header.key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            seen.headers[name] = .some(header.value?.withUnsafeBytes { Array($0) })
          }
          all.append(seen)
        }
      }
    }
    return (all, batches)
  }

  @Test(arguments: RecordSizeKind.allCases)
  func `every synthetic record has its stamp, in a value of random bytes`(
    kind: RecordSizeKind
  ) throws {
    let source = RecordSource(recordBytes: 100, kind: kind, bytesMax: 10_000, seed: 3)
    let (records, _) = try records(source, 5000)
    for (number, record) in records.enumerated() {
      #expect(record.stamp == 1_000_000 + Int64(number))
      #expect(record.key == nil && record.headers.isEmpty && record.value?.count ?? 0 >= 8)
    }
    // No file system makes it smaller: no byte comes up often.
    let bytes = records.flatMap { $0.value?.dropFirst(8) ?? [] }
    let counts = bytes.reduce(into: [UInt8: Int]()) { $0[$1, default: 0] += 1 }
    #expect((counts.values.max() ?? 0) < bytes.count / 20)
  }

  @Test func `fixed sizes are as they were asked for, from the stamp's own up`() throws {
    for size in [0, 1, 8, 9, 100, 5000] {
      let source = RecordSource(recordBytes: size, kind: .fixed, bytesMax: 10_000, seed: 1)
      let (records, _) = try records(source, 10)
      #expect(records.allSatisfy { $0.value?.count == max(size, 8) }, "\(size)")
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `uniform sizes have the mean that was asked for, from nothing to twice of it`(
    seed: UInt64
  ) throws {
    let source = RecordSource(recordBytes: 200, kind: .uniform, bytesMax: 10_000, seed: seed)
    let (records, _) = try records(source, 8192)
    let sizes = records.prefix(8192).map { Double($0.value?.count ?? 0) }
    let mean = sizes.reduce(0, +) / Double(sizes.count)
    // A uniform value of 0 to 400 has a deviation of 115; the least is 8, and halves are cut off.
    #expect(abs(mean - 199.6) < 4 * 115.5 / 8192.0.squareRoot(), "seed \(seed): \(mean)")
    #expect(sizes.min() == 8 && (sizes.max() ?? 0) < 400 && (sizes.max() ?? 0) > 390)
    let low = sizes.count { $0 < 100 }
    #expect(abs(low - 2048) < 160, "seed \(seed): \(low)")
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `log-normal sizes have the mean that was asked for, and most are smaller`(
    seed: UInt64
  ) throws {
    let source = RecordSource(recordBytes: 500, kind: .lognormal, bytesMax: 1 << 20, seed: seed)
    let (records, _) = try records(source, 8192, batchBytes: 1 << 20)
    let sizes = records.prefix(8192).map { Double($0.value?.count ?? 0) }
    let mean = sizes.reduce(0, +) / Double(sizes.count)
    // Its deviation is sqrt(e - 1) times the mean.
    #expect(abs(mean - 500) < 4 * 500 * 1.311 / 8192.0.squareRoot(), "seed \(seed): \(mean)")
    // Its median is exp(-1/2) of the mean, and the logarithm's deviation 1.
    let sorted = sizes.sorted()
    #expect(abs(sorted[4096] - 303.3) < 20, "seed \(seed): \(sorted[4096])")
    let upper = log(sorted[6892] / sorted[4096])
    #expect(abs(upper - 1) < 0.08, "seed \(seed): \(upper)")
  }

  @Test func `another seed has other sizes, and the same one the same`() throws {
    func sizes(_ seed: UInt64) throws -> [Int?] {
      let source = RecordSource(recordBytes: 100, kind: .lognormal, bytesMax: 4000, seed: seed)
      return try records(source, 500).records.map { $0.value?.count }
    }
    #expect(try sizes(1) == sizes(1))
    #expect(try sizes(1) != sizes(2))
  }

  @Test(arguments: [200, 1000, 16384])
  func `no batch is larger than asked, whatever the records`(batchBytes: Int) throws {
    for kind in RecordSizeKind.allCases {
      for recordBytes in [1, 100, 1000, 100_000] {
        // As a trial makes them.
        let source = RecordSource(
          recordBytes: recordBytes, kind: kind,
          bytesMax: batchBytes - RecordBatchHeader.byteCount - 40, seed: 5)
        let (_, batches) = try records(source, 2000, batchBytes: batchBytes)
        #expect(batches.allSatisfy { $0 <= batchBytes }, "\(kind) \(recordBytes)")
      }
    }
  }

  private static let flights =
    TemporaryDirectory.packageRoot + "/Bench/Data/flights-2013-01.jsonl.gz"

  @Test func `records of a file keep all they have, and get a stamp beside it`() throws {
    try Fixtures.withFolder { folder in
      let path = "\(folder)/events.jsonl"
      let lines = [
        #"{"key":"a","timestamp":1,"headers":{"x":"1","y":"two"},"value":"v"}"#,
        #"{"key":null,"timestamp":2,"headers":{},"value":{"n":1}}"#,
        #"{"key":"c","timestamp":3,"headers":{"ten-bytes!":"12345678"},"value":null}"#,
      ]
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
      let stored = try RecordSource.events(path: path)
      #expect(stored.count == 3)
      let (records, _) = try records(RecordSource(stored, seed: 0), 7)
      for (number, record) in records.prefix(7).enumerated() {
        #expect(record.stamp == 1_000_000 + Int64(number))
        #expect(record.headers.count == [3, 1, 2][number % 3])
        #expect(record.headers[RecordSource.stampHeader]??.count == 8)
        #expect(record.key == [Array("a".utf8), nil, Array("c".utf8)][number % 3])
      }
      #expect(records[0].headers["y"] == .some(.some(Array("two".utf8))))
      #expect(records[2].headers["ten-bytes!"] == .some(.some(Array("12345678".utf8))))
      #expect(records[2].value == nil && records[1].value == Array(#"{"n":1}"#.utf8))
    }
  }

  @Test func `producers begin at different records of a file, and go round`() throws {
    let stored = try RecordSource.events(path: Self.flights)
    #expect(stored.count == 26_865)
    let first = try records(RecordSource(stored, seed: 7919), 10).records
    let second = try records(RecordSource(stored, seed: 2 * 7919), 10).records
    #expect(first.map(\.value) != second.map(\.value))
    let (all, batches) = try records(RecordSource(stored, seed: 26_864), 60_000)
    #expect(all.allSatisfy { $0.headers.count == 3 })
    for (number, record) in all.enumerated() where record.stamp != 1_000_000 + Int64(number) {
      Issue.record("record \(number) has the stamp \(record.stamp ?? -1)")
      break
    }
    // 26,865 later the same record comes again.
    #expect(all[3].value == all[3 + 26_865].value && all[3].value != all[4].value)
    #expect(batches.allSatisfy { $0 <= 16384 })
  }
}
