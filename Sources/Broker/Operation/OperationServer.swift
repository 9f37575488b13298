import LinuxIO

/// Why the operation server could not start.
package struct OperationError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// Serves `/metrics` and `/health` by HTTP, beside the broker's own threads.
package final class OperationServer: Sendable {
  /// Whether the broker serves, and the answer's text: why not, where it does not.
  package typealias Health = (isHealthy: Bool, text: String)

  private let metrics: @Sendable () -> String
  private let health: @Sendable () -> Health
  private let running = Lock<HTTPServer?>(nil)

  /// The closures run on the server's thread: others who ask wait for them.
  package init(
    metrics: @escaping @Sendable () -> String, health: @escaping @Sendable () -> Health
  ) {
    self.metrics = metrics
    self.health = health
  }

  /// Listens; the port, which is a free one where the address says 0. After a throw nothing is left
  /// behind.
  package func start(on address: NetworkAddress) throws(OperationError) -> UInt16 {
    guard let host = address.bindHost else {
      throw OperationError("\(address): expected an IPv4 address or 'localhost'")
    }
    do {
      let socket = try ListeningSocket(host: host, port: address.port)
      let server = try HTTPServer(on: socket) { [metrics, health] path in
        switch path {
        case "/metrics":
          return HTTPServer.Answer(
            status: 200, contentType: MetricsText.contentType, body: metrics())
        case "/health":
          let health = health()
          return HTTPServer.Answer(
            status: health.isHealthy ? 200 : 503, contentType: "text/plain; charset=utf-8",
            body: health.text + "\n")
        default: return nil
        }
      }
      running.withLock { $0 = server }
      return socket.port
    } catch {
      throw OperationError(
        "http \(host):\(address.port): \(error.call.rawValue) failed: \(error.number)")
    }
  }

  /// Stops listening, cuts what is under way, and waits for the end. Nothing where it does not run.
  package func stop() {
    let server = running.withLock { slot in
      defer { slot = nil }
      return slot
    }
    server?.stop()
  }
}
