import Records

/// Inputs to begin with: real structures, and one of each kind of thing that the targets look at. The
/// kept corpus holds them under `seed-…`; Scripts/fuzz writes them anew.
package struct FuzzSeed: Hashable, Sendable {
  /// The file's name, without the target's.
  package let name: String
  package let bytes: [UInt8]

  package static func all(for target: FuzzTarget) -> [FuzzSeed] {
    let seeds =
      switch target {
      case .batch: batches
      case .index: indexes
      case .recovery: directories
      case .jsonl: events
      case .wire: frames
      }
    return seeds.map { FuzzSeed(name: "seed-" + $0.name, bytes: $0.bytes) }
  }

  init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  init(_ name: String, _ bytes: [UInt8]) { self.init(name: name, bytes: bytes) }

  // MARK: - Batches

  private static var batches: [FuzzSeed] {
    var seeds = CompressionCodec.allCases.map { codec in
      FuzzSeed("\(codec)", FuzzBatch(recordCount: 3, compression: codec).bytes)
    }
    seeds += [
      FuzzSeed("many", FuzzBatch(base: 1 << 40, recordCount: 40, valueBytes: 3).bytes),
      FuzzSeed("compacted", FuzzBatch(recordCount: 2, lastOffsetDelta: 9).bytes),
      FuzzSeed("last-offset", FuzzBatch(base: .max - 2, recordCount: 2).bytes),
      FuzzSeed("later-time", FuzzBatch(timestamp: .max - 9, maxTimestamp: .min).bytes),
      FuzzSeed("unfinished", FuzzBatch(recordCount: 2).bytes.dropLast(5)),
      FuzzSeed("two", FuzzBatch().bytes + FuzzBatch(base: 1).bytes),
    ]
    let kinds: [(String, BatchAttributes)] = [
      ("append-time", BatchAttributes(timestampType: .appendTime)),
      ("transaction", BatchAttributes(isTransactional: true)),
      ("control", BatchAttributes(isTransactional: true, isControl: true)),
      ("delete-horizon", BatchAttributes(hasDeleteHorizon: true)),
    ]
    seeds += kinds.map { FuzzSeed($0.0, altered { $0.attributes = $1 }($0.1)) }
    seeds.append(FuzzSeed("wrong-count", altered { $0.recordCount = $1 }(2)))
    seeds.append(FuzzSeed("no-records", Array(altered { $0.recordCount = $1 }(0))))
    return seeds
  }

  /// A batch of records of every shape, with another header.
  private static func altered<Value>(
    _ change: @escaping (inout RecordBatchHeader, Value) -> Void
  ) -> (Value) -> [UInt8] {
    { value in
      var batch = FuzzBatch.ofEveryShape
      guard var header = try? RecordBatchHeader(parsing: batch.span.bytes) else { return batch }
      change(&header, value)
      FuzzBatch.seal(&batch, header)
      return batch
    }
  }

  // MARK: - Indexes

  private static var indexes: [FuzzSeed] {
    // The logs of IndexedLog: how many batches, how large, where they roll, how sparse, which times.
    let shapes = [0x0005, 0x0A14, 0x0B2C, 0x1254, 0x1A9F, 0x3A1F, 0x43D8, 0x6A34, 0x9A48, 0xFBAA]
    var seeds: [FuzzSeed] = []
    for shape in shapes {
      for change in 0..<12 {
        var program = FuzzProgram()
        program.word(shape)
        program.byte(change)
        program.word(change * 7)
        // 10 and 11: the indexes as they are, and every change after the other.
        for kind in change == 11 ? Array(0..<9) : change < 10 ? [change] : [] {
          program.byte(kind)
          program.byte(shape + change)
          program.add([0, 9, 1, 2, 3, 0, 1, 0, 0, 4, 2, 1])
        }
        seeds.append(FuzzSeed("\(String(shape, radix: 16))-\(change)", program.bytes))
      }
    }
    return seeds
  }

  // MARK: - Directories

  private static var directories: [FuzzSeed] {
    let plan = [0, 2, 10, 20]
    var seeds = (0..<16).map { scenario in
      FuzzSeed("scenario-\(scenario)", bytes([scenario, 15] + plan.dropFirst()))
    }
    for (number, operation) in RecoveryProgram.Operation.allCases.enumerated() {
      for scenario in [1, 5, 9, 10] {
        let choice = RecoveryProgram.Operation.chooseExisting.rawValue
        let operands = [choice, 2, number, 3, 1, 130, 2, 0, 1, number, 5, 4, 3, 2, 1]
        let name = "\(operation)-\(scenario)"
        seeds.append(FuzzSeed(name, bytes([scenario] + plan + operands)))
      }
    }
    return seeds
  }

  static func bytes(_ numbers: [Int]) -> [UInt8] {
    numbers.map { UInt8(truncatingIfNeeded: $0) }
  }

  // MARK: - Events

  private static var events: [FuzzSeed] {
    let flight =
      #"{"key":"N14228","timestamp":1357034400000,"headers":{"carrier":"UA","origin":"EWR"},"#
      + #""value":{"flight":1545,"dest":"IAH","dep_delay":2,"air_time":227.0,"id":null}}"#
    let lines: [(String, String)] = [
      ("flight", flight), ("flights", [flight, flight, flight].joined(separator: "\n") + "\n"),
      ("crlf", flight + "\r\n" + flight + "\r\n"), ("mark", "\u{feff}" + flight),
      ("blank-end", flight + "\n\n \t\r\n"), ("blank-middle", flight + "\n\n" + flight),
      ("tombstone", #"{"timestamp":0,"value":null,"key":null,"headers":null}"#),
      ("escapes", #"{"timestamp":1,"value":"\u0000\ud83d\ude00\/\b","key":"\"\\\n\u00e9"}"#),
      ("lone", #"{"timestamp":1,"value":"\ud800","key":"\ud800"}"#),
      ("utf8", "{\"timestamp\":1,\"value\":\"\u{e9}\u{20ac}\u{1f600}\",\"\u{e9}\":\"\u{e9}\"}"),
      ("numbers", #"{"value":[0,-0,1.5,-2e+10,3E-7],"timestamp":9223372036854775807}"#),
      ("too-late", #"{"value":1,"timestamp":9223372036854775808}"#),
      ("twice", #"{"timestamp":1,"value":{"a":1,"a":2},"headers":{"x":"1","\u0078":"2"}}"#),
      ("id", #"{"timestamp":1,"value":{"id":12.50},"other":[{}]}"#),
      ("nested", #"{"timestamp":1,"value":"# + nested(510) + "}"),
      ("too-deep", #"{"timestamp":1,"value":"# + nested(520) + "}"),
      ("headers", #"{"timestamp":1,"value":0,"headers":{"# + headers(40) + "}}"),
      ("garbage", "\u{0}{\"\\x}"),
    ]
    var seeds: [FuzzSeed] = []
    for (number, (name, text)) in lines.enumerated() {
      // The ways to read it in turn: key fields, line limits, pieces.
      let ways = [UInt8(number % 6), UInt8(number * 29 % 256)]
      seeds.append(FuzzSeed(name, ways + Array(text.utf8)))
    }
    let packed = GzipText.pack(Array(flight.utf8) + [0x0A], memberBytes: 100)
    seeds.append(FuzzSeed("gzip", [0, 7] + packed))
    seeds.append(FuzzSeed("gzip-cut", [0, 7] + packed.dropLast(9)))
    return seeds
  }

  private static func nested(_ depth: Int) -> String {
    String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
  }

  private static func headers(_ count: Int) -> String {
    (0..<count).map { #""h\#($0)":"v""# }.joined(separator: ",")
  }
}

extension FuzzBatch {
  /// Records with and without key, value and headers, empty and null.
  static var ofEveryShape: [UInt8] {
    let header = RecordHeader(key: "name", value: "value")
    let records = [
      Record(timestamp: 1_000, key: Array("k".utf8), value: Array("v".utf8), headers: [header]),
      Record(timestamp: 1_005, key: [], value: nil, headers: [RecordHeader(key: "", value: nil)]),
      Record(timestamp: 990, key: nil, value: []),
    ]
    return bytes(of: records)
  }
}
