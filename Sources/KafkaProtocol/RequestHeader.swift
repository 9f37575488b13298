/// What stands ahead of every request's body.
package struct RequestHeader: Hashable, Sendable {
  /// As it came: may be of no API that is spoken here.
  package var apiKey: Int16
  /// As it came: may be a version that is not spoken here.
  package var apiVersion: Int16
  /// The client's number for this request, which the response repeats.
  package var correlationId: Int32
  package var clientId: String?

  package init(apiKey: Int16, apiVersion: Int16, correlationId: Int32, clientId: String? = nil) {
    self.apiKey = apiKey
    self.apiVersion = apiVersion
    self.correlationId = correlationId
    self.clientId = clientId
  }

  /// Nil for an API that is not spoken here.
  package var api: APIKey? { APIKey(rawValue: apiKey) }

  /// Whether both the API and this version of it are spoken here.
  package var isSupported: Bool { api?.versions.contains(apiVersion) ?? false }

  /// Decodes the header at the beginning of a frame, which begins after the four bytes of its
  /// length.
  ///
  /// Of an API or version that is not spoken here the fields of header version 1 are read, which
  /// every version begins with; `bodyStart` says nothing then.
  package static func decode(
    _ frame: RawSpan
  ) throws(WireError) -> (header: RequestHeader, bodyStart: Int) {
    // SAFETY: the decoder checks each access against the buffer's end, and ends with the call.
    try frame.withUnsafeBytes { (memory) throws(WireError) in
      // Version 2 of the header ends with tagged fields: whether it is one is known by then.
      var decoder = try FieldDecoder(memory, from: 0, version: 1, isFlexible: false)
      var header = RequestHeader(apiKey: 0, apiVersion: 0, correlationId: 0)
      try decoder.int16(&header.apiKey)
      try decoder.int16(&header.apiVersion)
      try decoder.int32(&header.correlationId)
      try decoder.headerString(&header.clientId)
      guard let api = header.api, header.isSupported, api.isFlexible(version: header.apiVersion)
      else {
        return (header, decoder.position)
      }
      var tagged = try FieldDecoder(memory, from: decoder.position, version: 2, isFlexible: true)
      try tagged.endOfStruct()
      return (header, tagged.position)
    }
  }
}
