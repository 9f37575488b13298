import KafkaProtocol

/// What one client sends: frames, well-formed or not, up to a bound.
struct WireScript {
  private static let frameCountMax = 12

  let frames: [WireFrame]

  init(_ input: [UInt8]) {
    var input = FuzzInput(input)
    var frames: [WireFrame] = []
    while !input.isAtEnd && frames.count < Self.frameCountMax {
      frames.append(WireFrame(&input, number: Int32(frames.count)))
    }
    self.frames = frames
  }

  var bytes: [UInt8] { frames.flatMap(\.bytes) }
}

/// One frame with its length ahead, which is the right one or not.
struct WireFrame: CustomStringConvertible {
  /// What an input's frame is made of.
  enum Kind: Int, CaseIterable {
    /// A message of the right shape, whose fields the input chooses.
    case chosen
    /// A right header, and any bytes for a body.
    case anyBody
    /// Any bytes, a header's place included.
    case anyBytes
    /// A message of the right shape, cut or with some bytes changed, or with another length.
    case damaged
  }

  private(set) var bytes: [UInt8] = []
  private let kind: Kind
  private let api: APIKey
  private let version: Int16

  /// `number` becomes the correlation id.
  init(_ input: inout FuzzInput, number: Int32) {
    kind = input.element(of: Kind.allCases)
    api = input.api()
    let versions = api.versions
    // Now and then one that is not spoken.
    let chosen = input.below(versions.count + 1)
    version = chosen == versions.count ? 99 : versions.lowerBound + Int16(chosen)
    switch kind {
    case .chosen: bytes = Self.chosen(api.request, version, number, &input)
    case .anyBody:
      bytes = Self.framed(Self.header(api, version, number) + input.bytes(input.word() % 2048))
    case .anyBytes: bytes = Self.framed(input.bytes(1 + input.below(64)))
    case .damaged:
      bytes = Self.chosen(api.request, version, number, &input)
      damage(&input)
    }
  }

  var description: String { "\(kind) \(api) version \(version): \(bytes)" }

  /// The length that a frame's first four bytes announce; nil where they are not there.
  static func announced(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= 4 else { return nil }
    let length = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return Int(Int32(bitPattern: length))
  }

  private static func chosen<R: WireRequest>(
    _ type: R.Type, _ version: Int16, _ number: Int32, _ input: inout FuzzInput
  ) -> [UInt8] {
    let request = ChosenFields.message(R.self, version: version, &input)
    return encodeRequest(request, version: version, correlationId: number, clientId: "fuzz")
  }

  private static func header(_ api: APIKey, _ version: Int16, _ number: Int32) -> [UInt8] {
    var program = FuzzProgram()
    program.word(Int(api.rawValue))
    program.word(Int(version))
    program.word(Int(number >> 16))
    program.word(Int(number))
    // No client id, and no tagged fields where there may be some.
    program.word(-1)
    if api.versions.contains(version) && api.isFlexible(version: version) { program.byte(0) }
    return program.bytes
  }

  private static func framed(_ body: [UInt8]) -> [UInt8] {
    var program = FuzzProgram()
    program.word(body.count >> 16)
    program.word(body.count)
    program.add(body)
    return program.bytes
  }

  private mutating func damage(_ input: inout FuzzInput) {
    switch input.below(4) {
    case 0: bytes.removeLast(min(bytes.count, 1 + input.below(40)))
    case 1: bytes.replaceSubrange(0..<4, with: Self.four(&input))
    default:
      for _ in 0..<(1 + input.below(4)) {
        // Behind the length: the frame gets in.
        let place = 4 + input.word() % max(1, bytes.count - 4)
        bytes[place] = input.byte()
      }
    }
  }

  private static func four(_ input: inout FuzzInput) -> [UInt8] {
    (0..<4).map { _ in input.byte() }
  }
}

extension FuzzInput {
  /// Those that there were when the corpus was begun; no list of today's, which grows.
  private static let firstAPIs: [Int16] = [
    0, 1, 2, 3, 8, 9, 10, 11, 17, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 44, 60, 61,
  ]

  /// By Kafka's number, so that kept inputs mean the same when an API is added; any other byte is one of the
  /// APIs too.
  mutating func api() -> APIKey {
    let number = below(64)
    let others = Self.firstAPIs
    return APIKey(rawValue: Int16(number)) ?? APIKey(rawValue: others[number % others.count])
      ?? .apiVersions
  }
}
