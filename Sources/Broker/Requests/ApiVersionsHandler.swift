import KafkaProtocol

/// Which APIs and versions are spoken here (KIP-35).
enum ApiVersionsHandler: RequestHandler {
  static func route(_ call: RequestCall<ApiVersionsRequest>) -> Route {
    .respond(call.respond(response(.none)))
  }

  /// For a version that is not: version 0's form, with the error and what would be accepted
  /// (KIP-511).
  static func unsupported(_ header: RequestHeader) -> OutgoingResponse {
    OutgoingResponse(
      EncodedResponse(
        response(.unsupportedVersion), to: ApiVersionsRequest.self, version: 0,
        correlationId: header.correlationId))
  }

  private static func response(_ error: KafkaError) -> ApiVersionsResponse {
    var response = ApiVersionsResponse()
    response.errorCode = error.rawValue
    for api in ServedAPI.all.map(\.api) {
      var spoken = ApiVersionsResponse.ApiVersion()
      spoken.apiKey = api.rawValue
      spoken.minVersion = api.versions.lowerBound
      spoken.maxVersion = api.versions.upperBound
      response.apiKeys.append(spoken)
    }
    return response
  }
}
