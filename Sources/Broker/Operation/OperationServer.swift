import FlyingFox
import FlyingSocks
import struct Foundation.Data
import Glibc
import LinuxIO

/// Why the operation server could not start.
package struct OperationError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// Serves `GET /metrics` and `GET /health` by HTTP, beside the broker's own threads: FlyingFox runs
/// on Swift's pool. Its own calls wait, so they must not be made from a task.
package final class OperationServer: Sendable {
  /// Whether the broker serves, and the answer's text: why not, where it does not.
  package typealias Health = (isHealthy: Bool, text: String)

  private let metrics: @Sendable () -> String
  private let health: @Sendable () -> Health
  private let trouble: @Sendable (String) -> Void
  private let pause: Duration
  private let running = Lock<Running?>(nil)

  private struct Running: Sendable {
    let task: Task<Void, Never>
    let ended: Gate
  }

  /// The closures run on Swift's pool and must not wait long; `trouble` hears what went wrong after
  /// the start. `pause` goes by before it listens again after a failure.
  package init(
    metrics: @escaping @Sendable () -> String, health: @escaping @Sendable () -> Health,
    trouble: @escaping @Sendable (String) -> Void = { _ in }, pause: Duration = .seconds(1)
  ) {
    self.pause = pause
    self.metrics = metrics
    self.health = health
    self.trouble = trouble
  }

  /// Listens; the port, which is a free one where the address says 0. Returns when requests are
  /// taken. After a throw nothing is left behind.
  package func start(on address: NetworkAddress) throws(OperationError) -> UInt16 {
    guard let host = address.bindHost else {
      throw OperationError("\(address): expected an IPv4 address or 'localhost'")
    }
    let started = Lock<Result<UInt16, OperationError>?>(nil)
    let isStarted = Gate()
    let ended = Gate()
    let task = Task.detached { [self] in
      await run(host, address.port) { result in
        started.withLock { $0 = $0 ?? result }
        isStarted.open()
      }
      isStarted.open()
      ended.open()
    }
    isStarted.wait()
    let result = started.withLock { $0 } ?? .failure(OperationError("\(address): stopped"))
    let port = try result.get()
    running.withLock { $0 = Running(task: task, ended: ended) }
    return port
  }

  /// Stops listening, cuts what is under way, and waits for the end. Nothing where it does not run.
  package func stop() {
    let running = running.withLock { slot in
      defer { slot = nil }
      return slot
    }
    guard let running else { return }
    running.task.cancel()
    running.ended.wait()
  }

  /// Serves until the task is cancelled, or until it has failed before it began. FlyingFox gives up
  /// when a connection cannot be taken, as when descriptors have run out: then it begins again on
  /// its port.
  private func run(
    _ host: String, _ port: UInt16, _ started: @Sendable (Result<UInt16, OperationError>) -> Void
  ) async {
    var bound = port
    var isFirst = true
    while !Task.isCancelled {
      let failure: (any Error)?
      do {
        let server = try await makeServer(host, bound)
        failure = await serve(server) { found in
          bound = found
          isFirst = false
          started(.success(found))
        }
      } catch {
        failure = error
      }
      if Task.isCancelled { return }
      let error = Self.failure(host, bound, failure)
      if isFirst { return started(.failure(error)) }
      trouble(error.description)
      try? await Task.sleep(for: pause)
    }
  }

  /// Serves until it fails, or the task is cancelled; `listening` hears the port.
  private func serve(
    _ server: HTTPServer, _ listening: (UInt16) -> Void
  ) async -> (any Error)? {
    await withTaskGroup(of: Step.self) { group in
      group.addTask {
        do {
          try await server.run()
          return .ended(nil)
        } catch {
          return .ended(error)
        }
      }
      group.addTask {
        // Its wait has an end of its own, which a busy machine may come to before it listens.
        while !Task.isCancelled {
          do {
            try await server.waitUntilListening(timeout: 60)
            break
          } catch {}
        }
        guard case .ip4(_, let port) = await server.listeningAddress else { return .nothing }
        return .listening(port)
      }
      for await step in group {
        switch step {
        case .listening(let port): listening(port)
        case .nothing: break
        case .ended(let error):
          group.cancelAll()
          return error
        }
      }
      return nil
    }
  }

  private enum Step {
    case listening(UInt16)
    case nothing
    case ended((any Error)?)
  }

  private func makeServer(_ host: String, _ port: UInt16) async throws -> HTTPServer {
    let address = try sockaddr_in.inet(ip4: host, port: port)
    // FlyingFox keeps the descriptor of a socket that it could not bind.
    if port != 0 { _ = try ListeningSocket(host: host, port: port) }
    let server = HTTPServer(
      address: address, pool: SocketPool(queue: OperationEvents()), logger: .disabled)
    await server.appendRoute("GET /metrics") { [metrics] _ in
      HTTPResponse(
        statusCode: .ok, headers: [.contentType: MetricsText.contentType],
        body: Data(metrics().utf8))
    }
    await server.appendRoute("GET /health") { [health] _ in
      let health = health()
      return HTTPResponse(
        statusCode: health.isHealthy ? .ok : .serviceUnavailable,
        headers: [.contentType: "text/plain; charset=utf-8"], body: Data((health.text + "\n").utf8))
    }
    return server
  }

  private static func failure(_ host: String, _ port: UInt16, _ error: (any Error)?)
    -> OperationError
  {
    let reason =
      switch error {
      case .some(SocketError.failed(let call, let number, _)):
        "\(call.lowercased()) failed: \(ErrorNumber(rawValue: number))"
      case .some(let error as SystemCallError): "\(error.call.rawValue) failed: \(error.number)"
      case .some(let error): "\(error)"
      case nil: "it ended"
      }
    return OperationError("http \(host):\(port): \(reason)")
  }
}

/// Lets threads pass once it is open, and for ever after.
private final class Gate: Sendable {
  private let semaphore = LinuxIO.Semaphore()

  func open() { semaphore.signal() }

  /// Blocks the thread.
  func wait() {
    semaphore.wait()
    // For whoever comes next.
    semaphore.signal()
  }
}
