import Foundation
import KafkaProtocol
import Testing

/// kafka-python's encoders, run as a program: an implementation that shares nothing with this one.
private enum KafkaPython {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let script = root.appending(path: "Tests/Interop/kafka_messages.py")
  private static let python =
    ProcessInfo.processInfo.environment["VARVE_PYTHON"].map { URL(filePath: $0) }
    ?? root.appending(path: ".build/python/bin/python3")

  static let isInstalled =
    (try? run(["-c", "import kafka.protocol.producer"], quietly: true)) != nil

  static var remedy: String {
    "kafka-python 3.0.12 is not installed for \(python.path(percentEncoded: false)); "
      + "install it there, or set VARVE_PYTHON to an interpreter that has it"
  }

  struct Failure: Error { let status: Int32 }

  /// The messages of one API in all versions that are spoken here.
  static func messages(_ api: APIKey) throws -> [MessageDescription] {
    let name = "\(api)"
    let output = try run([
      script.path(percentEncoded: false), name.prefix(1).uppercased() + name.dropFirst(),
      "\(api.versions.lowerBound)", "\(api.versions.upperBound)",
    ])
    return try output.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(MessageDescription.self, from: Data($0))
    }
  }

  private static func run(_ arguments: [String], quietly: Bool = false) throws -> Data {
    let process = Process()
    process.executableURL = python
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    if quietly { process.standardError = Foundation.FileHandle.nullDevice }
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return data
  }
}

/// A message as the script describes it.
private struct MessageDescription: Decodable {
  var name: String
  var apiKey: Int16
  var version: Int16
  var isRequest: Bool
  /// In hexadecimal.
  var frame: String
  /// A `path=value` for each field.
  var fields: [String]

  var bytes: [UInt8] {
    let digits = Array(frame.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
  }
}

/// A message's fields as the script writes them, those that the version lacks too.
private func describe(_ value: Any, _ path: String, into lines: inout Set<String>) {
  switch value {
  case let uuid as UUIDBits:
    let digits = [uuid.high, uuid.low].map { word in
      let text = String(word, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    lines.insert("\(path)=\(digits.joined())")
  case let records as RecordsField:
    guard case .bytes(let bytes) = records else {
      lines.insert("\(path)=null")
      return
    }
    lines.insert("\(path)=\(hexadecimal(bytes))")
  // An empty array casts to an array of anything.
  case let bytes as [UInt8] where type(of: value) == [UInt8].self:
    lines.insert("\(path)=\(hexadecimal(bytes))")
  default:
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
      guard let child = mirror.children.first else {
        lines.insert("\(path)=null")
        return
      }
      describe(child.value, path, into: &lines)
    case .collection:
      lines.insert("\(path).count=\(mirror.children.count)")
      for (index, child) in mirror.children.enumerated() {
        describe(child.value, "\(path)[\(index)]", into: &lines)
      }
    case .struct where !(value is String) && !mirror.children.isEmpty:
      for child in mirror.children {
        let name = child.label ?? "?"
        describe(child.value, path.isEmpty ? name : "\(path).\(name)", into: &lines)
      }
    default:
      lines.insert("\(path)=\(value)")
    }
  }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Suite(.enabled(if: KafkaPython.isInstalled, Comment(rawValue: KafkaPython.remedy)))
struct InteropTests {
  private func expectSame<R: WireRequest>(_ type: R.Type, _ message: MessageDescription) throws {
    let comment = Comment(rawValue: message.name)
    let version = message.version
    let frame = message.bytes
    let body = Array(frame.dropFirst(4))
    var lines: Set<String> = []
    if message.isRequest {
      let (header, request) = try R.decodeWhole(body, version: version)
      #expect(
        header
          == RequestHeader(
            apiKey: message.apiKey, apiVersion: version, correlationId: 0x0102_0304,
            clientId: "interop-é"), comment)
      let again = encodeRequest(
        request, version: version, correlationId: header.correlationId, clientId: header.clientId)
      #expect(again == frame, comment)
      describe(request, "", into: &lines)
    } else {
      let (correlationId, response) = try R.decodeWholeResponse(body, version: version)
      let again = EncodedResponse(
        response, to: R.self, version: version, correlationId: correlationId)
      #expect(correlationId == 0x0102_0304, comment)
      #expect(again.bytes == frame, comment)
      describe(response, "", into: &lines)
    }
    // Null and empty mean the same in some strings, which are empty here and null on the wire.
    let missing = message.fields.filter { field in
      !lines.contains(field)
        && !(field.hasSuffix("=null") && lines.contains(String(field.dropLast("null".count))))
    }
    #expect(missing == [], comment)
  }

  @Test(
    "messages that kafka-python encoded hold the same values, and are encoded to the same bytes",
    arguments: APIKey.allCases)
  func sameBytes(api: APIKey) throws {
    let messages = try KafkaPython.messages(api)
    #expect(messages.count == 4 * api.versions.count)
    for message in messages {
      #expect(message.apiKey == api.rawValue)
      try expectSame(api.request, message)
    }
  }
}
