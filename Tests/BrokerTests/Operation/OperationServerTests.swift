import Broker
import CommitLog
import Glibc
import LinuxIO
import TestSupport
import Testing

@Suite("Operation server")
struct OperationServerTests {
  private let loopback = NetworkAddress(host: "127.0.0.1", port: 0)

  @Test("serves metrics and health, and nothing else, and its port is free after the end")
  func serves() async throws {
    try await onThread {
      let isHealthy = Lock(true)
      let metrics = BrokerMetrics()
      let server = OperationServer(
        metrics: { metrics.text(partitions: []) },
        health: {
          isHealthy.withLock {
            $0 ? (isHealthy: true, text: "ok") : (isHealthy: false, text: "stopping")
          }
        })
      let port = try server.start(on: loopback)
      #expect(port != 0)
      metrics.add(.sentBytes, 42)
      let answer = get("/metrics", port)
      #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
      #expect(answer.head.contains("text/plain; version=0.0.4; charset=utf-8"))
      #expect(try Scrape(answer.body)["varve_network_sent_bytes_total"] == 42)
      let health = get("/health", port)
      #expect(health.head.hasPrefix("HTTP/1.1 200 ") && health.body == "ok\n")
      isHealthy.withLock { $0 = false }
      let ill = get("/health", port)
      #expect(ill.head.hasPrefix("HTTP/1.1 503 ") && ill.body == "stopping\n")
      #expect(get("/", port).head.hasPrefix("HTTP/1.1 404 "))
      server.stop()
      server.stop()
      #expect(get("/health", port).head == "")
      // A server that has stopped may start again, where it was.
      #expect(try server.start(on: NetworkAddress(host: "", port: port)) == port)
      #expect(get("/health", port).body == "stopping\n")
      server.stop()
    }
  }

  @Test("a port in use is an error that names it, and leaves the one that uses it alone")
  func portInUse() async throws {
    try await onThread {
      let first = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "first") })
      let port = try first.start(on: loopback)
      let second = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "second") })
      let error = #expect(throws: OperationError.self) {
        try second.start(on: NetworkAddress(host: "localhost", port: port))
      }
      #expect(
        error?.description.contains("127.0.0.1:\(port): bind failed: Address already") == true)
      #expect(get("/health", port).body == "first\n")
      second.stop()
      first.stop()
    }
  }

  @Test("a name that is no address is an error")
  func badHost() async throws {
    try await onThread {
      let server = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "") })
      #expect(throws: OperationError.self) {
        try server.start(on: NetworkAddress(host: "a.example", port: 0))
      }
    }
  }

  @Test("stops while a client holds a connection and says nothing")
  func silentClient() async throws {
    try await onThread {
      let server = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "ok") })
      let port = try server.start(on: loopback)
      let silent = try #require(connection(port))
      defer { close(silent) }
      #expect(get("/health", port).body == "ok\n")
      server.stop()
      #expect(get("/health", port).head == "")
    }
  }

  @Test("answers HEAD with what GET would say of its body, and refuses other methods")
  func methods() async throws {
    try await onThread {
      let server = OperationServer(metrics: { "abc" }, health: { (isHealthy: true, text: "ok") })
      let port = try server.start(on: loopback)
      let head = get("/metrics", port, method: "HEAD")
      #expect(head.head.hasPrefix("HTTP/1.1 200 ") && head.head.contains("Content-Length: 3"))
      #expect(head.body == "")
      let post = get("/metrics", port, method: "POST")
      #expect(post.head.hasPrefix("HTTP/1.1 405 ") && post.head.contains("Allow: GET, HEAD"))
      server.stop()
    }
  }

  @Test("lets a client go whose line does not end, and serves others meanwhile")
  func endlessLine() async throws {
    try await onThread {
      let server = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "ok") })
      let port = try server.start(on: loopback)
      let endless = try #require(connection(port))
      defer { close(endless) }
      let line = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 16)
      var sent = 0
      // The kernel's buffers take some megabytes at most.
      while sent < 64 << 20 {
        let count = send(endless, line, line.count, Int32(MSG_NOSIGNAL))
        if count <= 0 { break }
        sent += count
        if sent % (1 << 20) == 0 { #expect(get("/health", port).body == "ok\n") }
      }
      #expect(sent < 64 << 20)
      server.stop()
    }
  }

  @Test("serves one address a few connections, and the next when they have gone")
  func connectionLimit() async throws {
    try await onThread {
      let server = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "ok") })
      let port = try server.start(on: loopback)
      let held = try (0..<8).map { _ in try #require(connection(port)) }
      // Taken in turn: who asks after them is refused.
      #expect(get("/health", port).head == "")
      for socket in held { close(socket) }
      var answer = ""
      while answer.isEmpty { answer = get("/health", port).body }
      #expect(answer == "ok\n")
      server.stop()
    }
  }

  @Test("says that the wall clock is in doubt, and that the broker is well all the same")
  func tellsDoubtedClock() async throws {
    try await onThread {
      let place = TemporaryDirectory()
      let earlier = try LogDirectory(
        path: place.path + "/data", io: LinuxFileIO(),
        drivers: BackendDrivers { _ in fatalError() },
        defaults: TopicSettings(backend: "buffered"))
      let eightDaysAgo = WallClock.milliseconds() - 8 * 86_400_000
      try earlier.maintain(LogTime(monotonicNanoseconds: 0, wallMilliseconds: eightDaysAgo))
      try earlier.close()
      let lines = Lock<[String]>([])
      func start(_ values: [String: String]) throws -> (broker: RunningBroker, port: UInt16) {
        let all = values.merging(["varve.metrics.listen": "127.0.0.1:0"]) { first, _ in first }
        let broker = try RunningBroker(all, in: place) { line in lines.withLock { $0.append(line) }
        }
        return (broker, try #require(broker.broker.metricsAddress?.port))
      }
      do {
        let (broker, port) = try start([:])
        // The first maintenance comes with the start, on another thread.
        var answer = get("/health", port)
        while answer.body == "ok\n" { answer = get("/health", port) }
        #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.body.hasPrefix("ok, but the wall clock has jumped"), "\(answer.body)")
        let metrics = try Scrape(get("/metrics", port).body)
        #expect(metrics["varve_retention_clock_doubted"] == 1)
        broker.broker.stop()
        let told = lines.withLock { $0 }.filter { $0.contains("the last time that was noted") }
        #expect(told.count == 1 && told[0].contains(" warning "), "\(told)")
      }
      let (broker, port) = try start(["varve.retention.clock.grace.ms": "0"])
      broker.broker.stop()
      _ = port
      let note = try LinuxFileIO().readFile(at: place.path + "/data/.varve_walltime") ?? []
      let written = String(decoding: note, as: UTF8.self).split(separator: "\n").dropFirst().first
      #expect(written.flatMap { Int64($0) } ?? 0 > eightDaysAgo + 86_400_000, "believed at once")
    }
  }

  @Test("keeps no descriptor, whether it served or was refused")
  func keepsNoDescriptor() async {
    // What else the tests have open would be counted here.
    await #expect(processExitsWith: .success) {
      try await onThread {
        let loopback = NetworkAddress(host: "127.0.0.1", port: 0)
        var before = try OpenDescriptors()
        for round in 0..<250 {
          let server = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "ok") })
          let port = try server.start(on: loopback)
          let second = OperationServer(metrics: { "" }, health: { (isHealthy: true, text: "") })
          #expect(throws: OperationError.self) {
            try second.start(on: NetworkAddress(host: "127.0.0.1", port: port))
          }
          server.stop()
          if round == 20 { before = try OpenDescriptors() }
        }
        let left = try OpenDescriptors().opened(since: before)
        #expect(left.isEmpty, "left open: \(left)")
      }
    }
  }

  /// A connection to this machine; nil where nobody listens.
  private func connection(_ port: UInt16) -> Int32? {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    // Only a hang meets it: the server runs on the pool that other tests keep busy for long.
    var limit = timeval(tv_sec: 600, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if connected == 0 { return socket }
    close(socket)
    return nil
  }

  /// One request; nothing where nobody answers.
  private func get(
    _ path: String, _ port: UInt16, method: String = "GET"
  ) -> (head: String, body: String) {
    guard let socket = connection(port) else { return ("", "") }
    defer { close(socket) }
    let request = Array(
      "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        .utf8)
    if send(socket, request, request.count, Int32(MSG_NOSIGNAL)) != request.count {
      return ("", "")
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &chunk, chunk.count, 0)
      if count <= 0 { break }
      answer += chunk[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n") else { return (text, "") }
    return (String(text[..<end.lowerBound]), String(text[end.upperBound...]))
  }
}

/// Runs what waits on a thread of its own: the pool's are needed by what it waits for.
private func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  try await withCheckedThrowingContinuation {
    (continuation: CheckedContinuation<Void, any Error>) in
    do {
      _ = try WorkerThread { continuation.resume(with: Result(catching: body)) }
    } catch {
      continuation.resume(throwing: error)
    }
  }
}
