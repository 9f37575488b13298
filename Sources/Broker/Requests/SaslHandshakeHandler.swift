import KafkaProtocol
import Logging

/// No SASL mechanism is accepted: the answer is UNSUPPORTED_SASL_MECHANISM with an empty list (KIP-43).
enum SaslHandshakeHandler: RequestHandler {
  static func route(_ call: RequestCall<SaslHandshakeRequest>) -> Route {
    var response = SaslHandshakeResponse()
    response.errorCode = KafkaError.unsupportedSaslMechanism.rawValue
    call.services.log.limited(
      "sasl", .info,
      "a client asked for SASL mechanism \(call.request.mechanism); this listener has no SASL",
      call.session.fields)
    return .respond(call.respond(response, codes: [response.errorCode]))
  }
}
