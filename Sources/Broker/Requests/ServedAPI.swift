import KafkaProtocol

/// An API that is served: what its requests are answered by. To serve another one, write its
/// handler and add its line here; its messages, and by them its versions, are KafkaProtocol's.
struct ServedAPI: Sendable {
  typealias Begin =
    @Sendable (
      RequestDispatcher, HeldRequest, Connection, _ slot: Int
    ) throws(WireError) -> Void

  let api: APIKey
  let begin: Begin

  /// By API key, in ascending order: what an ApiVersions response advertises.
  static let all = [
    ServedAPI(.produce) { (dispatcher, request, connection, slot) throws(WireError) in
      try dispatcher.produces.begin(request, connection, slot)
    },
    ServedAPI(.fetch) { (dispatcher, request, connection, slot) throws(WireError) in
      try dispatcher.fetches.begin(request, connection, slot)
    },
    ServedAPI(ListOffsetsHandler.self),
    ServedAPI(MetadataHandler.self),
    ServedAPI(OffsetCommitHandler.self),
    ServedAPI(OffsetFetchHandler.self),
    ServedAPI(FindCoordinatorHandler.self),
    ServedAPI(JoinGroupHandler.self),
    ServedAPI(SaslHandshakeHandler.self),
    ServedAPI(.apiVersions) { (dispatcher, request, connection, slot) throws(WireError) in
      let asked: ApiVersionsRequest = try request.decode()
      connection.session.note(
        software: asked.clientSoftwareName, version: asked.clientSoftwareVersion)
      dispatcher.serve(ApiVersionsHandler.self, asked, request, connection, slot)
    },
    ServedAPI(CreateTopicsHandler.self),
    ServedAPI(DeleteTopicsHandler.self),
    ServedAPI(DeleteRecordsHandler.self),
    ServedAPI(InitProducerIdHandler.self),
    ServedAPI(OffsetForLeaderEpochHandler.self),
    ServedAPI(DescribeConfigsHandler.self),
    ServedAPI(AlterConfigsHandler.self),
    ServedAPI(DescribeLogDirsHandler.self),
    ServedAPI(CreatePartitionsHandler.self),
    ServedAPI(IncrementalAlterConfigsHandler.self),
    ServedAPI(DescribeClusterHandler.self),
    ServedAPI(DescribeProducersHandler.self),
  ].sorted { $0.api.rawValue < $1.api.rawValue }

  private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.api.rawValue, $0) })

  /// Nil for an API that is not served.
  static func of(_ key: Int16) -> ServedAPI? { byKey[key] }

  private init(_ api: APIKey, _ begin: @escaping Begin) {
    self.api = api
    self.begin = begin
  }

  private init<Handler: RequestHandler>(_ handler: Handler.Type) {
    self.init(Handler.Request.api) { (dispatcher, request, connection, slot) throws(WireError) in
      dispatcher.serve(handler, try request.decode(), request, connection, slot)
    }
  }
}
