import KafkaProtocol

// Seeds of `wire`: each API in its oldest and newest version, to the decoders and to a broker, and streams
// of several requests.

extension FuzzSeed {
  static var frames: [FuzzSeed] {
    var seeds: [FuzzSeed] = []
    for api in APIKey.allCases {
      let number = Int(api.rawValue)
      let versions = api.versions
      for chosen in Set([0, versions.count - 1]).sorted() {
        let version = versions.lowerBound + Int16(chosen)
        let name = "\(api)-\(version)"
        let body = messageBody(api.request, version)
        seeds.append(FuzzSeed("message-\(name)", bytes([0, number, chosen + 1]) + body))
        seeds.append(FuzzSeed("chosen-\(name)", bytes([1]) + chosenFrame(number, chosen)))
      }
    }
    return seeds + streams
  }

  /// A request with its fields chosen, without length and header.
  private static func messageBody<R: WireRequest>(_ type: R.Type, _ version: Int16) -> [UInt8] {
    var input = FuzzInput(choices)
    let request = ChosenFields.message(R.self, version: version, &input)
    let empty = R.frameBytes(R(), version)
    let frame = R.frameBytes(request, version)
    // The header is what two frames of one version begin with alike: 4, 8, client id, tagged fields.
    let header = 14 + (version >= R.flexibleSince ? 1 : 0)
    return empty.count >= header ? Array(frame.dropFirst(header)) : []
  }

  private static func chosenFrame(_ api: Int, _ version: Int) -> [UInt8] {
    bytes([0, api, version]) + choices
  }

  /// One of everything, mostly of topic a, partition 0.
  private static var choices: [UInt8] {
    bytes([0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 4, 1, 2, 0, 0, 0, 1, 0, 1, 0, 0, 4, 2, 1, 0, 1, 0, 0])
  }

  private static var streams: [FuzzSeed] {
    func number(_ api: APIKey) -> Int { Int(api.rawValue) }
    // acks 1, a timeout, one topic "a", one partition 0, a batch.
    let produce = bytes([0, number(.produce), 4, 0, 1, 1, 0, 0, 0, 0, 4, 1, 20, 0, 0])
    // Any replica, wait, bytes; one topic "a", partition 0 from 0 on.
    let fetch = bytes([0, number(.fetch), 0, 255, 0, 1, 250, 0, 0, 0, 0, 0, 0, 250])
    let wait = bytes([0, number(.fetch), 0, 255, 90, 90, 250, 0, 0, 0, 0, 0, 0, 250])
    let metadata = bytes([0, number(MetadataRequest.api), 1, 0])
    let unknown = bytes([2, 0, 0, 11, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    let tooNew = bytes([0, number(.apiVersions), APIKey.apiVersions.versions.count])
    let empty = bytes([1, number(ListOffsetsRequest.api), 1, 0, 0])
    let falseLength = bytes([3, number(MetadataRequest.api), 1, 0, 1, 127, 255, 255, 255])
    return [
      FuzzSeed("stream-produce", bytes([1]) + produce + produce + produce),
      FuzzSeed("stream-fetch", bytes([1]) + produce + fetch + fetch),
      FuzzSeed("stream-wait", bytes([1]) + wait + produce + fetch),
      FuzzSeed("stream-unknown", bytes([1]) + metadata + unknown + metadata),
      FuzzSeed("stream-too-new", bytes([1]) + tooNew + metadata),
      FuzzSeed("stream-empty-body", bytes([1]) + metadata + empty + metadata),
      FuzzSeed("stream-false-length", bytes([1]) + metadata + falseLength),
    ]
  }
}

extension WireRequest {
  fileprivate static func frameBytes(_ request: Self, _ version: Int16) -> [UInt8] {
    encodeRequest(request, version: version, correlationId: 0, clientId: nil)
  }
}
