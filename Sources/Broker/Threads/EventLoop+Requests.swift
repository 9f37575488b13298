import KafkaProtocol
import LinuxIO
import LogRuntime

// Requests: which API, which version, whose turn, and where they are served.

extension EventLoop {
  /// Begins with the request that a connection has received, or holds it until its turn.
  func takeRequest(_ connection: Connection) {
    let began = MonotonicClock.nanoseconds()
    var received = connection.intake.takeFrame()
    guard let frame = received.buffer.take() else { return }
    let parsed: Result<(RequestHeader, Int), WireError> = frame.withBytes { bytes in
      do throws(WireError) {
        let (header, start) = try RequestHeader.decode(bytes)
        return .success((header, start))
      } catch { return .failure(error) }
    }
    switch parsed {
    case .failure(let error):
      end(connection, because: "no request: \(error)")
    case .success(let (header, start)):
      let request = HeldRequest(
        header: header, bodyStart: start, frame: frame, charge: received.charge, began: began)
      if mayBegin(request, connection) {
        begin(request, connection)
      } else {
        connection.held = request
      }
    }
  }

  /// Begins with the request that was held, where its turn has come.
  func beginHeld(_ connection: Connection) {
    guard let request = connection.held, mayBegin(request, connection) else { return }
    connection.held = nil
    begin(request, connection)
  }

  private func mayBegin(_ request: HeldRequest, _ connection: Connection) -> Bool {
    if connection.isExclusive { return false }
    return connection.slots.isEmpty || request.header.apiKey == APIKey.produce.rawValue
  }

  private func begin(_ request: HeldRequest, _ connection: Connection) {
    let header = request.header
    let slot = connection.openSlot(apiKey: header.apiKey, began: request.began)
    connection.isExclusive = header.apiKey != APIKey.produce.rawValue
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
    if let frame = request.frame.take() { frames.giveBack(frame) }
  }

  /// The protocol has no answer that every client reads: the connection ends, as with Kafka.
  private func refuse(_ connection: Connection, _ slot: Int, _ reason: String) {
    connection.fill(slot, .close(reason))
  }

  func decode<Request: WireRequest>(_ request: HeldRequest) throws(WireError) -> Request {
    let (start, version) = (request.bodyStart, request.header.apiVersion)
    let decoded: Result<Request, WireError>? = request.frame?.withBytes { bytes in
      do throws(WireError) {
        return .success(try Request.decode(bytes, from: start, version: version))
      } catch { return .failure(error) }
    }
    guard let decoded else { preconditionFailure("a request is decoded while it has its frame") }
    return try decoded.get()
  }

  /// Has the handler answer, where it says that it is to.
  func serve<Handler: RequestHandler>(
    _ handler: Handler.Type, _ request: HeldRequest, _ connection: Connection, _ slot: Int
  ) throws(WireError) {
    let call = RequestCall<Handler.Request>(
      request: try decode(request), header: request.header, services: services,
      cluster: cluster.current())
    let (id, mailbox, charge) = (connection.id, mailbox, request.charge)
    switch Handler.route(call) {
    case .respond(let response): connection.fill(slot, .respond(response))
    case .onAdministrationThread(let work):
      services.administration.run { administrator in
        defer { withExtendedLifetime(charge) {} }
        let response = work(administrator)
        mailbox.post(.finished(connection: id, slot: slot, .respond(response)))
      }
    case .onReadThread(let work):
      services.readPool.submit {
        defer { withExtendedLifetime(charge) {} }
        mailbox.post(.finished(connection: id, slot: slot, .respond(work())))
      }
    case .byOthers(let begin):
      begin { response in
        defer { withExtendedLifetime(charge) {} }
        mailbox.post(.finished(connection: id, slot: slot, .respond(response)))
      }
    }
  }
}
