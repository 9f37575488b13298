import KafkaProtocol
import LinuxIO
import Testing

@Suite struct DamageTests {
  private func expectTruncationIsSeen<R: WireRequest>(
    _ type: R.Type, version: Int16, seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let request = R.frame(
      try random(R.self, version: version, countMax: 2, &generator), version: version)
    for count in request.indices {
      #expect(throws: WireError.self, "\(R.self) version \(version), seed \(seed), \(count)") {
        try R.decodeWhole(Array(request.prefix(count)), version: version)
      }
    }
    let response = R.frame(
      response: try random(R.Response.self, version: version, countMax: 2, &generator),
      version: version)
    for count in response.indices {
      #expect(throws: WireError.self, "\(R.Response.self) version \(version), seed \(seed)") {
        try R.decodeWholeResponse(Array(response.prefix(count)), version: version)
      }
    }
  }

  @Test("a frame that ends early, at whichever byte, is an error")
  func truncation() throws {
    for (api, version) in allVersions {
      for seed in UInt64(1)...2 {
        try expectTruncationIsSeen(api.request, version: version, seed: seed)
      }
    }
  }

  private func expectTrailingByte<R: WireRequest>(
    _ type: R.Type, version: Int16
  ) throws {
    let request = R.frame(R(), version: version)
    #expect(
      try R.decodeWhole(request + [0], version: version)
        == R.decodeWhole(request, version: version))
    let response = R.frame(response: R.Response(), version: version)
    #expect(throws: WireError.trailingBytes(position: response.count, count: 1)) {
      try R.decodeWholeResponse(response + [0], version: version)
    }
  }

  @Test("a byte after a request is left alone, and one after a response is an error")
  func trailingByte() throws {
    for (api, version) in allVersions {
      try expectTrailingByte(api.request, version: version)
    }
  }

  /// Some bytes changed, taken away or put in, at random.
  private func mutated(_ frame: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var frame = frame
    for _ in 0...generator.below(3) where !frame.isEmpty {
      let position = generator.below(frame.count)
      let extremes: [UInt8] = [0, 1, 0x7f, 0x80, 0xff]
      switch generator.below(5) {
      case 0: frame[position] ^= 1 << UInt8(generator.below(8))
      case 1: frame[position] = UInt8(truncatingIfNeeded: generator.next())
      case 2: frame[position] = extremes[generator.below(extremes.count)]
      case 3: frame.remove(at: position)
      default: frame.insert(extremes[generator.below(extremes.count)], at: position)
      }
    }
    return frame
  }

  private func expectMutantsDecodeOrThrow<R: WireRequest>(
    _ type: R.Type, version: Int16, seed: UInt64
  ) throws -> Int {
    var generator = SeededGenerator(seed: seed)
    let request = R.frame(try random(R.self, version: version, &generator), version: version)
    let response = R.frame(
      response: try random(R.Response.self, version: version, &generator), version: version)
    var decodedCount = 0
    for _ in 0..<20 {
      let comment = Comment(rawValue: "\(R.self) version \(version), seed \(seed)")
      if let decoded = try? R.decodeWhole(mutated(request, &generator), version: version) {
        decodedCount += 1
        let again = R.frame(decoded.request, version: version)
        #expect(
          try R.decodeWhole(again, version: version).request == decoded.request, comment)
      }
      if let decoded = try? R.decodeWholeResponse(
        mutated(response, &generator), version: version)
      {
        decodedCount += 1
        let again = R.frame(response: decoded.response, version: version)
        #expect(
          try R.decodeWholeResponse(again, version: version).response == decoded.response,
          comment)
      }
    }
    return decodedCount
  }

  @Test("changed bytes are an error, or a message that comes back as it was decoded")
  func mutations() throws {
    var decodedCount = 0
    for (api, version) in allVersions {
      for seed in UInt64(1)...5 {
        decodedCount += try expectMutantsDecodeOrThrow(
          api.request, version: version, seed: seed)
      }
    }
    // Otherwise nothing was looked at.
    #expect(decodedCount > 1_000)
  }

  private func expectUnknownTagsAreSkipped<R: WireRequest>(
    _ type: R.Type, version: Int16, seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let comment = Comment(rawValue: "\(R.self) version \(version), seed \(seed)")
    let tags: [(tag: UInt32, bytes: [UInt8])] = [
      (77, []), (200, Array(repeating: 0xff, count: 150)), (.max, [1, 2, 3]),
    ]
    let request = try random(R.self, version: version, &generator)
    var frame = PlainEncoder(version: 2, isFlexible: true)
    frame.unknownTags = tags
    frame.put(R.api.rawValue)
    frame.put(version)
    frame.put(Int32(9))
    frame.put(Int16(-1))
    try frame.endOfStruct()
    let decoded = try R.decodeWhole(
      frame.output + plainBody(request, version: version, unknownTags: tags), version: version)
    #expect(decoded.request == request, comment)
    #expect(decoded.header.clientId == nil, comment)

    let response = try random(R.Response.self, version: version, &generator)
    frame = PlainEncoder(version: 1, isFlexible: R.api != .apiVersions)
    frame.unknownTags = tags
    frame.put(Int32(9))
    try frame.endOfStruct()
    let decodedResponse = try R.decodeWholeResponse(
      frame.output + plainBody(response, version: version, unknownTags: tags),
      version: version)
    #expect(decodedResponse.response == response, comment)
    #expect(decodedResponse.correlationId == 9, comment)
  }

  @Test("tagged fields that nobody knows are skipped, in headers and in every struct")
  func unknownTags() throws {
    for (api, version) in allVersions where api.isFlexible(version: version) {
      for seed in UInt64(1)...5 {
        try expectUnknownTagsAreSkipped(api.request, version: version, seed: seed)
      }
    }
  }
}
