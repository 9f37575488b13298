/// All settings that these topics and brokers are to have: others return to their defaults.
package struct AlterConfigsRequest: WireRequest {
  package typealias Response = AlterConfigsResponse
  package static var apiNumber: Int16 { 33 }
  package static var versions: ClosedRange<Int16> { 0...2 }
  package static var flexibleSince: Int16 { 2 }

  package var resources: [AlterConfigsResource] = []
  package var validateOnly: Bool = false

  package init() {}

  package init(resources: [AlterConfigsResource] = [], validateOnly: Bool = false) {
    self.resources = resources
    self.validateOnly = validateOnly
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.array(&resources)
    try coder.bool(&validateOnly)
    try coder.endOfStruct()
  }
}

extension AlterConfigsRequest {
  /// A topic or broker, and the settings that it is to have.
  package struct AlterConfigsResource: WireStruct {
    /// 2 for a topic, 4 for a broker.
    package var resourceType: Int8 = 0
    package var resourceName: String = ""
    package var configs: [AlterableConfig] = []

    package init() {}

    package init(
      resourceType: Int8 = 0, resourceName: String = "", configs: [AlterableConfig] = []
    ) {
      self.resourceType = resourceType
      self.resourceName = resourceName
      self.configs = configs
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int8(&resourceType)
      try coder.string(&resourceName)
      try coder.array(&configs)
      try coder.endOfStruct()
    }
  }

  /// A setting.
  package struct AlterableConfig: WireStruct {
    package var name: String = ""
    package var value: String? = nil

    package init() {}

    package init(name: String = "", value: String? = nil) {
      self.name = name
      self.value = value
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.nullableString(&value)
      try coder.endOfStruct()
    }
  }
}
