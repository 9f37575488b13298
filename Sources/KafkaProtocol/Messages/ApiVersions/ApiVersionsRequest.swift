/// A client's first question: which APIs does the broker speak?
package struct ApiVersionsRequest: WireRequest {
  package typealias Response = ApiVersionsResponse
  package static var apiNumber: Int16 { 18 }
  package static var versions: ClosedRange<Int16> { 0...4 }
  package static var flexibleSince: Int16 { 3 }

  package var clientSoftwareName: String = ""
  package var clientSoftwareVersion: String = ""

  package init() {}

  package init(clientSoftwareName: String = "", clientSoftwareVersion: String = "") {
    self.clientSoftwareName = clientSoftwareName
    self.clientSoftwareVersion = clientSoftwareVersion
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 3 {
      try coder.string(&clientSoftwareName)
      try coder.string(&clientSoftwareVersion)
    }
    try coder.endOfStruct()
  }
}
