import CommitLog
import KafkaProtocol
import LinuxIO
import Logging

/// A request that has been decoded, and what serving it needs.
struct RequestCall<Request: WireRequest>: Sendable {
  let request: Request
  let header: RequestHeader
  /// Who asks.
  let session: Session
  /// The connection's number among those of all loops.
  let source: Int
  let services: BrokerServices
  /// The cluster when the request came.
  let cluster: ClusterSnapshot

  var version: Int16 { header.apiVersion }

  /// Tells the operator who changed a topic.
  func tell(_ what: String, _ topic: String) {
    services.log.limited(
      "topics", .info, what, session.fields.merging(["topic": topic]) { old, _ in old })
  }

  /// `codes` are those of the response's parts.
  func respond(_ response: Request.Response, codes: [Int16] = []) -> OutgoingResponse {
    OutgoingResponse(
      EncodedResponse(
        response, to: Request.self, version: version, correlationId: header.correlationId),
      hasError: codes.contains { $0 != KafkaError.none.rawValue })
  }
}

/// Where a request is served.
enum Route: Sendable {
  /// It was, at once, on the event loop.
  case respond(OutgoingResponse)
  /// On the administration's thread: whatever changes topics.
  case onAdministrationThread(@Sendable (LogAdministrator) -> OutgoingResponse)
  /// On a thread that may wait for a disk to read, in pieces: nil where there is another one.
  case onReadThread(@Sendable (_ slice: TimeSlice) -> OutgoingResponse?)
  /// By other threads, the last of which hands over the response.
  case byOthers(@Sendable (_ respond: @escaping @Sendable (OutgoingResponse) -> Void) -> Void)
}

/// One API. `route` runs on an event loop, and never waits.
protocol RequestHandler: SendableMetatype {
  associatedtype Request: WireRequest
  static func route(_ call: RequestCall<Request>) -> Route
}
