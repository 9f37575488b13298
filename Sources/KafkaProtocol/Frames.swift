extension WireRequest {
  /// Decodes the body that begins at `bodyStart` of a frame, as `RequestHeader.decode` says. Bytes
  /// behind it are not looked at. `RecordsField.range` counts from the frame's first byte.
  package static func decode(
    _ frame: RawSpan, from bodyStart: Int, version: Int16
  ) throws(WireError) -> Self {
    guard versions.contains(version) else {
      throw .unsupportedVersion(api, found: version, expected: versions)
    }
    // SAFETY: the decoder checks each access against the buffer's end, and ends with the call.
    return try frame.withUnsafeBytes { (memory) throws(WireError) in
      var decoder = try FieldDecoder(
        memory, from: bodyStart, version: version, isFlexible: version >= flexibleSince)
      var request = Self()
      // Bytes behind the message are left alone, as by Kafka: librdkafka 2 sends one too many behind
      // a Metadata request of version 9.
      try request.fields(&decoder)
      return request
    }
  }

  /// Decodes a response to this request; the client's side of `EncodedResponse`. The frame begins
  /// after the four bytes of its length. Every byte must be used.
  package static func decodeResponse(
    _ frame: RawSpan, version: Int16
  ) throws(WireError) -> (correlationId: Int32, response: Response) {
    guard versions.contains(version) else {
      throw .unsupportedVersion(api, found: version, expected: versions)
    }
    // SAFETY: the decoder checks each access against the buffer's end, and ends with the call.
    return try frame.withUnsafeBytes { (memory) throws(WireError) in
      var header = try FieldDecoder(
        memory, from: 0, version: 0, isFlexible: hasTaggedResponseHeader(version: version))
      var correlationId: Int32 = 0
      try header.int32(&correlationId)
      try header.endOfStruct()
      var decoder = try FieldDecoder(
        memory, from: header.position, version: version,
        isFlexible: version >= Response.flexibleSince)
      var response = Response()
      try response.fields(&decoder)
      try decoder.endOfMessage()
      return (correlationId, response)
    }
  }

  /// Whether the response's header is version 1. An ApiVersions response's never is: its client
  /// does not know yet what the broker speaks.
  fileprivate static func hasTaggedResponseHeader(version: Int16) -> Bool {
    version >= Response.flexibleSince && api != .apiVersions
  }
}

/// A response as a whole frame, less the records that are sent from elsewhere.
package struct EncodedResponse: Hashable, Sendable {
  /// A place in `bytes` where bytes are missing.
  package struct Gap: Hashable, Sendable {
    /// The missing bytes come ahead of `bytes[position]`, or at the end.
    package var position: Int
    /// Above 0.
    package var byteCount: Int

    package init(position: Int, byteCount: Int) {
      self.position = position
      self.byteCount = byteCount
    }
  }

  /// The frame: four bytes that say how many follow, gaps included, header and body.
  package var bytes: [UInt8]
  /// In ascending order.
  package var gaps: [Gap]

  /// All bytes that go to the socket, gaps included. A frame is at most 2 GiB: whoever answers a
  /// fetch keeps it below.
  package var byteCountTotal: Int { gaps.reduce(bytes.count) { $0 + $1.byteCount } }

  /// Encodes `response` to a request of this type and version, which need not be one that is spoken
  /// here. What the version has no field for is left out.
  package init<R: WireRequest>(
    _ response: R.Response, to request: R.Type, version: Int16, correlationId: Int32
  ) {
    var header = FieldEncoder(
      version: version, isFlexible: R.hasTaggedResponseHeader(version: version))
    header.append(Int32(0))
    header.append(correlationId)
    header.appendNoTaggedFields()

    var body = FieldEncoder(
      version: version, isFlexible: version >= R.Response.flexibleSince, after: header.bytes)
    body.encode(response)
    body.endFrame()
    bytes = body.bytes
    gaps = body.gaps
  }
}

/// A request as a whole frame: four bytes of length, header and body; the client's side of
/// `RequestHeader.decode`. `RecordsField.gap` and `.range` become as many zeros.
package func encodeRequest<R: WireRequest>(
  _ request: R, version: Int16, correlationId: Int32, clientId: String?
) -> [UInt8] {
  var encoder = FieldEncoder(version: version, isFlexible: version >= R.flexibleSince)
  encoder.append(Int32(0))
  encoder.append(R.api.rawValue)
  encoder.append(version)
  encoder.append(correlationId)
  encoder.headerString(clientId)
  encoder.appendNoTaggedFields()
  encoder.encode(request)
  encoder.endFrame()
  return encoder.bytesWithZeroedGaps()
}
