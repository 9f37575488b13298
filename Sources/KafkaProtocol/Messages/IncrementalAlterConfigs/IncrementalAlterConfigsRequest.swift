/// Changes of settings; others stay what they are.
package struct IncrementalAlterConfigsRequest: WireRequest {
  package typealias Response = IncrementalAlterConfigsResponse
  package static var apiNumber: Int16 { 44 }
  package static var versions: ClosedRange<Int16> { 0...1 }
  package static var flexibleSince: Int16 { 1 }

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

extension IncrementalAlterConfigsRequest {
  /// A topic or broker, and the changes of its settings.
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

  /// A change of a setting.
  package struct AlterableConfig: WireStruct {
    package var name: String = ""
    /// 0 to set, 1 to delete, 2 to append to a list, 3 to take from a list.
    package var configOperation: Int8 = 0
    package var value: String? = nil

    package init() {}

    package init(name: String = "", configOperation: Int8 = 0, value: String? = nil) {
      self.name = name
      self.configOperation = configOperation
      self.value = value
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int8(&configOperation)
      try coder.nullableString(&value)
      try coder.endOfStruct()
    }
  }
}
