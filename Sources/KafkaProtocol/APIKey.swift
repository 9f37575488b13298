/// The APIs that are spoken here, by Kafka's numbers.
package enum APIKey: Int16, CaseIterable, Sendable {
  case produce = 0
  case fetch = 1
  case listOffsets = 2
  case metadata = 3
  case offsetCommit = 8
  case offsetFetch = 9
  case findCoordinator = 10
  case joinGroup = 11
  case saslHandshake = 17
  case apiVersions = 18
  case createTopics = 19
  case deleteTopics = 20
  case deleteRecords = 21
  case initProducerId = 22
  case offsetForLeaderEpoch = 23
  case describeConfigs = 32
  case alterConfigs = 33
  case describeLogDirs = 35
  case createPartitions = 37
  case incrementalAlterConfigs = 44
  case describeCluster = 60
  case describeProducers = 61
}

extension APIKey {
  /// The request's type.
  package var request: any WireRequest.Type {
    switch self {
    case .produce: ProduceRequest.self
    case .fetch: FetchRequest.self
    case .listOffsets: ListOffsetsRequest.self
    case .metadata: MetadataRequest.self
    case .offsetCommit: OffsetCommitRequest.self
    case .offsetFetch: OffsetFetchRequest.self
    case .findCoordinator: FindCoordinatorRequest.self
    case .joinGroup: JoinGroupRequest.self
    case .saslHandshake: SaslHandshakeRequest.self
    case .apiVersions: ApiVersionsRequest.self
    case .createTopics: CreateTopicsRequest.self
    case .deleteTopics: DeleteTopicsRequest.self
    case .deleteRecords: DeleteRecordsRequest.self
    case .initProducerId: InitProducerIdRequest.self
    case .offsetForLeaderEpoch: OffsetForLeaderEpochRequest.self
    case .describeConfigs: DescribeConfigsRequest.self
    case .alterConfigs: AlterConfigsRequest.self
    case .describeLogDirs: DescribeLogDirsRequest.self
    case .createPartitions: CreatePartitionsRequest.self
    case .incrementalAlterConfigs: IncrementalAlterConfigsRequest.self
    case .describeCluster: DescribeClusterRequest.self
    case .describeProducers: DescribeProducersRequest.self
    }
  }

  /// The versions that are spoken here.
  package var versions: ClosedRange<Int16> { request.versions }

  /// Whether this version has compact lengths and tagged fields, in its header too.
  package func isFlexible(version: Int16) -> Bool { version >= request.flexibleSince }
}

/// What an ApiVersions response advertises.
package enum SupportedAPIs {
  /// By API key, in ascending order.
  package static let all: [(api: APIKey, versions: ClosedRange<Int16>)] =
    APIKey.allCases.map { ($0, $0.versions) }
}
