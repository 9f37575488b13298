import CLinux
import Glibc

/// A small HTTP/1.1 server by libmicrohttpd, in a thread of its own: GET and HEAD, at most 64
/// connections, 8 of one address, 16 KiB for a request, and 10 seconds for a connection that says
/// nothing.
package final class HTTPServer: Sendable {
  package struct Answer: Sendable {
    let status: Int32
    let contentType: StaticString
    let body: String

    package init(status: Int32, contentType: StaticString, body: String) {
      self.status = status
      self.contentType = contentType
      self.body = body
    }
  }

  private final class Handler: Sendable {
    let answer: @Sendable (String) -> Answer?
    init(_ answer: @escaping @Sendable (String) -> Answer?) { self.answer = answer }
  }

  private let handler: Handler
  private let running: Lock<Running>

  // SAFETY: the library's, which may be stopped from any thread.
  private struct Running: @unchecked Sendable { var server: UnsafeMutableRawPointer? }

  /// Serves on the socket, which belongs to the server from now on. `answer` gets a request's path,
  /// on the server's thread; nil is 404.
  package init(
    on socket: ListeningSocket, answer: @escaping @Sendable (String) -> Answer?
  ) throws(SystemCallError) {
    handler = Handler(answer)
    var server: UnsafeMutableRawPointer?
    let result = clinux_http_start(
      socket.number, 64, 8,
      { context, path, reply in
        guard let context, let path, let reply else { return }
        let handler = Unmanaged<Handler>.fromOpaque(context).takeUnretainedValue()
        if let answer = handler.answer(String(cString: path)) { HTTPServer.fill(reply, answer) }
      }, Unmanaged.passUnretained(handler).toOpaque(), &server)
    guard result == 0 else {
      throw SystemCallError(
        .socket, ErrorNumber(rawValue: -result), path: "\(socket.host):\(socket.port)")
    }
    socket.giveAway()
    running = Lock(Running(server: server))
  }

  deinit { stop() }

  /// Stops listening, cuts what is under way, and waits for the end.
  package func stop() {
    let server = running.withLock { running in
      defer { running.server = nil }
      return running
    }.server
    if let server { clinux_http_stop(server) }
  }

  private static func fill(_ reply: UnsafeMutablePointer<clinux_http_reply>, _ answer: Answer) {
    let bytes = Array(answer.body.utf8)
    // Never of no bytes: the library frees what it was given.
    guard let body = malloc(max(bytes.count, 1)) else { return }
    body.copyMemory(from: bytes, byteCount: bytes.count)
    reply.pointee.status = answer.status
    reply.pointee.type = UnsafeRawPointer(answer.contentType.utf8Start).assumingMemoryBound(
      to: CChar.self)
    reply.pointee.body = body
    reply.pointee.count = bytes.count
  }
}
