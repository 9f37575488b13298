import CommitLog
import KafkaProtocol

/// Why a part of a request is not done, as the client is told.
struct RequestRefusal: Error {
  let code: KafkaError
  let message: String

  init(_ code: KafkaError, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: LogError) { self.init(KafkaError(error), "\(error)") }
}

/// Runs `body`, and makes what the log answers a refusal.
func refusing<Value>(
  _ body: () throws(LogError) -> Value
) throws(RequestRefusal) -> Value {
  do { return try body() } catch { throw RequestRefusal(error) }
}
