import KafkaProtocol
import LinuxIO

/// A whole request that has not begun, or begins. A class, since an optional buffer that is a
/// connection's property could not be taken out of it otherwise.
final class HeldRequest {
  let header: RequestHeader
  private let bodyStart: Int
  var frame: AlignedBuffer?
  let charge: MemoryAccount.Charge
  /// When it had come whole, in monotonic nanoseconds.
  let began: Int64

  /// Throws where the bytes do not begin like a request.
  init(_ received: consuming ReceivedFrame, began: Int64) throws(WireError) {
    let parsed: Result<(RequestHeader, Int), WireError>? = received.buffer?.withBytes { bytes in
      do throws(WireError) {
        let (header, start) = try RequestHeader.decode(bytes)
        return .success((header, start))
      } catch { return .failure(error) }
    }
    guard let parsed else { preconditionFailure("a frame is taken when it is there") }
    (header, bodyStart) = try parsed.get()
    charge = received.charge
    self.began = began
    frame = received.buffer.take()
  }

  /// The request, while it has its frame.
  func decode<Request: WireRequest>() throws(WireError) -> Request {
    let (start, version) = (bodyStart, header.apiVersion)
    let decoded: Result<Request, WireError>? = frame?.withBytes { bytes in
      do throws(WireError) {
        return .success(try Request.decode(bytes, from: start, version: version))
      } catch { return .failure(error) }
    }
    guard let decoded else { preconditionFailure("a request is decoded while it has its frame") }
    return try decoded.get()
  }
}
