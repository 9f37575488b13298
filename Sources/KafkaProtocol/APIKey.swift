/// An API that is spoken here, by Kafka's number. To speak another one, write its messages and add the
/// request's line to `requests`; the broker serves it by its line in `ServedAPI`.
package struct APIKey: Sendable {
  package let rawValue: Int16
  /// The request's type.
  package let request: any WireRequest.Type

  /// In ascending order of their numbers.
  private static let requests: [any WireRequest.Type] = [
    ProduceRequest.self,
    FetchRequest.self,
    ListOffsetsRequest.self,
    MetadataRequest.self,
    OffsetCommitRequest.self,
    OffsetFetchRequest.self,
    FindCoordinatorRequest.self,
    JoinGroupRequest.self,
    SaslHandshakeRequest.self,
    ApiVersionsRequest.self,
    CreateTopicsRequest.self,
    DeleteTopicsRequest.self,
    DeleteRecordsRequest.self,
    InitProducerIdRequest.self,
    OffsetForLeaderEpochRequest.self,
    DescribeConfigsRequest.self,
    AlterConfigsRequest.self,
    DescribeLogDirsRequest.self,
    CreatePartitionsRequest.self,
    IncrementalAlterConfigsRequest.self,
    DescribeClusterRequest.self,
    DescribeProducersRequest.self,
  ]

  fileprivate init(_ request: any WireRequest.Type) {
    rawValue = request.apiNumber
    self.request = request
  }

  package static let produce = ProduceRequest.api
  package static let fetch = FetchRequest.api
  package static let apiVersions = ApiVersionsRequest.api

  /// The versions that are spoken here.
  package var versions: ClosedRange<Int16> { request.versions }

  /// Whether this version has compact lengths and tagged fields, in its header too.
  package func isFlexible(version: Int16) -> Bool { version >= request.flexibleSince }
}

extension APIKey: CaseIterable, RawRepresentable, Hashable, CustomStringConvertible {
  /// By API key, in ascending order: what an ApiVersions response advertises.
  package static let allCases = requests.map { APIKey($0) }

  private static let byNumber = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })

  /// Nil for an API that is not spoken here.
  package init?(rawValue: Int16) {
    guard let found = Self.byNumber[rawValue] else { return nil }
    self = found
  }

  package static func == (one: APIKey, other: APIKey) -> Bool { one.rawValue == other.rawValue }
  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// Such as `offsetForLeaderEpoch`.
  package var description: String {
    let name = "\(request)".dropLast("Request".count)
    return name.prefix(1).lowercased() + name.dropFirst()
  }
}

extension WireRequest {
  package static var api: APIKey { APIKey(Self.self) }
}
