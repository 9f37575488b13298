import KafkaProtocol

/// Who a connection's requests come from.
enum Principal: Hashable, Sendable, CustomStringConvertible {
  /// Nobody has said: there is no authentication.
  case anonymous

  /// As Kafka writes it.
  var description: String { "User:ANONYMOUS" }
}

/// What is known of whoever uses a connection: what it has said, and the API versions that it and
/// this broker have come to use.
struct Session: Sendable {
  /// The peer's address and port.
  let peer: String
  let principal = Principal.anonymous
  /// The name that its last request gave.
  private(set) var clientID: String?
  /// What an ApiVersions request said (KIP-511).
  private(set) var software: String?
  /// The last version of each API that it used, of those that are served.
  private(set) var versions: [APIKey: Int16] = [:]

  /// What is kept of a name: a session is held as long as its connection.
  private static let nameBytesMax = 100

  init(peer: String) { self.peer = peer }

  /// A request has come.
  mutating func note(_ header: RequestHeader, _ api: APIKey?) {
    let name = header.clientId.map(Self.short)
    if clientID != name { clientID = name }
    if let api, versions[api] != header.apiVersion { versions[api] = header.apiVersion }
  }

  mutating func note(software name: String, version: String) {
    if name.isEmpty { return }
    software = Self.short("\(name) \(version)")
  }

  /// For log lines: who it is, as far as it has said.
  var fields: BrokerLog.Fields {
    var fields: BrokerLog.Fields = ["peer": peer, "principal": "\(principal)"]
    fields["client"] = clientID
    fields["software"] = software
    return fields
  }

  /// The same at the connection's end, with the versions in use, such as `fetch 12, produce 9`.
  var closingFields: BrokerLog.Fields {
    var fields = fields
    fields["versions"] = versions.sorted { $0.key.rawValue < $1.key.rawValue }
      .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return fields
  }

  private static func short(_ name: String) -> String {
    name.utf8.count <= nameBytesMax
      ? name : String(decoding: name.utf8.prefix(nameBytesMax), as: UTF8.self)
  }
}
