import KafkaProtocol
import LinuxIO
import LogRuntime

/// Which API and version a request is for, whose turn it is, and where it is served. Belongs to its
/// event loop's thread.
final class RequestDispatcher {
  let fetches: FetchService
  let produces: ProduceService
  private let context: LoopContext

  init(_ context: LoopContext, _ connections: ConnectionSet) {
    self.context = context
    fetches = FetchService(context, connections)
    produces = ProduceService(context, connections)
  }

  /// Begins with the request that a connection has received, or holds it until its turn. Why the
  /// connection has to end, or nil.
  func take(_ connection: Connection) -> String? {
    let request: HeldRequest
    do throws(WireError) {
      request = try HeldRequest(connection.takeFrame(), began: context.time())
    } catch { return "no request: \(error)" }
    let header = request.header
    connection.session.note(header, ServedAPI.of(header.apiKey)?.api)
    if connection.mayBegin(header.apiKey) {
      begin(request, connection)
    } else {
      connection.hold(request)
    }
    return nil
  }

  /// Begins with the request that was held, where its turn has come.
  func beginHeld(_ connection: Connection) {
    if let request = connection.takeHeld() { begin(request, connection) }
  }

  private func begin(_ request: HeldRequest, _ connection: Connection) {
    let header = request.header
    let slot = connection.openSlot(apiKey: header.apiKey, began: request.began)
    guard let served = ServedAPI.of(header.apiKey) else {
      return refuse(connection, slot, "API \(header.apiKey) is not known here")
    }
    let (api, versions) = (served.api, served.api.versions)
    do throws(WireError) {
      if versions.contains(header.apiVersion) {
        try served.begin(self, request, connection, slot)
      } else if api == .apiVersions {
        // In version 0's form, which every client reads (KIP-511).
        connection.fill(slot, .respond(ApiVersionsHandler.unsupported(header)))
      } else {
        refuse(
          connection, slot,
          "\(api) version \(header.apiVersion) is not served, expected "
            + "\(versions.lowerBound) to \(versions.upperBound)")
      }
    } catch {
      refuse(connection, slot, "\(api) version \(header.apiVersion): \(error)")
    }
    if let frame = request.frame.take() { context.frames.giveBack(frame) }
  }

  /// The protocol has no answer that every client reads: the connection ends, as with Kafka.
  private func refuse(_ connection: Connection, _ slot: Int, _ reason: String) {
    connection.fill(slot, .close(reason))
  }

  /// Has the handler answer, where it says that it is to.
  func serve<Handler: RequestHandler>(
    _ handler: Handler.Type, _ decoded: Handler.Request, _ request: HeldRequest,
    _ connection: Connection, _ slot: Int
  ) {
    let call = RequestCall<Handler.Request>(
      request: decoded, header: request.header, session: connection.session,
      source: context.source(ofConnection: connection.id), services: context.services,
      cluster: context.cluster())
    let (id, mailbox, charge) = (connection.id, context.mailbox, request.charge)
    /// From any thread. The request is paid for until then.
    @Sendable func finish(_ response: OutgoingResponse) {
      withExtendedLifetime(charge) {
        mailbox.post(.finished(connection: id, slot: slot, .respond(response)))
      }
    }
    switch Handler.route(call) {
    case .respond(let response): connection.fill(slot, .respond(response))
    case .onAdministrationThread(let work):
      context.services.administration.run { finish(work($0)) }
    case .onReadThread(let piece):
      context.services.readPool.submit(from: call.source) { slice in
        guard let response = piece(slice) else { return .more }
        finish(response)
        return .done
      }
    case .byOthers(let begin): begin(finish)
    }
  }
}
