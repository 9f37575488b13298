import KafkaProtocol
import LogStorage
import TransferPaths

/// Bytes of the log on their way to a client, by a topic's transfer path.
struct OutgoingSlice: Sendable {
  let slice: LogSlice
  let transfer: String
}

/// A response: its bytes, with gaps that slices of the log fill.
struct OutgoingResponse: Sendable {
  let encoded: EncodedResponse
  /// One for each of `encoded.gaps`, of its size.
  let slices: [OutgoingSlice]
  /// True where any part of it is an error, for the metrics.
  let hasError: Bool

  init(_ encoded: EncodedResponse, slices: [OutgoingSlice] = [], hasError: Bool = false) {
    self.encoded = encoded
    self.slices = slices
    self.hasError = hasError
  }
}

extension SendQueue {
  func add(_ response: OutgoingResponse) {
    let bytes = response.encoded.bytes
    if response.slices.isEmpty { return add(bytes) }
    var from = 0
    for (gap, outgoing) in zip(response.encoded.gaps, response.slices) {
      add(Array(bytes[from..<gap.position]))
      add(outgoing.slice, by: outgoing.transfer)
      from = gap.position
    }
    add(Array(bytes[from...]))
  }
}

/// What a request comes to.
enum Outcome: Sendable {
  case respond(OutgoingResponse)
  /// A produce request that wants no answer.
  case nothing
  /// The connection ends, for the reason that the log line says.
  case close(String)
}

/// A request's place in its connection's order: responses leave in it.
struct ResponseSlot {
  let number: Int
  let apiKey: Int16
  let began: Int64
  var outcome: Outcome?

  /// Bytes of the answer, where it is there.
  var answerBytes: Int {
    guard case .respond(let response)? = outcome else { return 0 }
    return response.encoded.bytes.count
  }
}
