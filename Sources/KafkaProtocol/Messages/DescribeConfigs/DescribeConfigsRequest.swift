/// Which settings do these topics and brokers have?
package struct DescribeConfigsRequest: WireRequest {
  package typealias Response = DescribeConfigsResponse
  package static var apiNumber: Int16 { 32 }
  package static var versions: ClosedRange<Int16> { 1...4 }
  package static var flexibleSince: Int16 { 4 }

  package var resources: [DescribeConfigsResource] = []
  package var includeSynonyms: Bool = false
  package var includeDocumentation: Bool = false

  package init() {}

  package init(
    resources: [DescribeConfigsResource] = [], includeSynonyms: Bool = false,
    includeDocumentation: Bool = false
  ) {
    self.resources = resources
    self.includeSynonyms = includeSynonyms
    self.includeDocumentation = includeDocumentation
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&resources)
    try coder.bool(&includeSynonyms)
    if coder.version >= 3 { try coder.bool(&includeDocumentation) }
    try coder.endOfStruct()
  }
}

extension DescribeConfigsRequest {
  /// A topic or broker whose settings are asked for.
  package struct DescribeConfigsResource: WireStruct {
    /// 2 for a topic, 4 for a broker.
    package var resourceType: Int8 = 0
    package var resourceName: String = ""
    /// Nil for all.
    package var configurationKeys: [String]? = nil

    package init() {}

    package init(
      resourceType: Int8 = 0, resourceName: String = "", configurationKeys: [String]? = nil
    ) {
      self.resourceType = resourceType
      self.resourceName = resourceName
      self.configurationKeys = configurationKeys
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int8(&resourceType)
      try coder.string(&resourceName)
      try coder.nullableStringArray(&configurationKeys)
      try coder.endOfStruct()
    }
  }
}
