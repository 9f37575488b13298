/// The settings that were asked for.
package struct DescribeConfigsResponse: WireMessage {
  package static var flexibleSince: Int16 { 4 }

  package var throttleTimeMs: Int32 = 0
  package var results: [DescribeConfigsResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, results: [DescribeConfigsResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.results = results
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&results)
    try coder.endOfStruct()
  }
}

extension DescribeConfigsResponse {
  /// The settings of one topic or broker.
  package struct DescribeConfigsResult: WireStruct {
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil
    package var resourceType: Int8 = 0
    package var resourceName: String = ""
    package var configs: [DescribeConfigsResourceResult] = []

    package init() {}

    package init(
      errorCode: Int16 = 0, errorMessage: String? = nil, resourceType: Int8 = 0,
      resourceName: String = "", configs: [DescribeConfigsResourceResult] = []
    ) {
      self.errorCode = errorCode
      self.errorMessage = errorMessage
      self.resourceType = resourceType
      self.resourceName = resourceName
      self.configs = configs
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.nullableString(&errorMessage)
      try coder.int8(&resourceType)
      try coder.string(&resourceName)
      try coder.array(&configs)
      try coder.endOfStruct()
    }
  }

  /// A setting.
  package struct DescribeConfigsResourceResult: WireStruct {
    package var name: String = ""
    package var value: String? = nil
    package var readOnly: Bool = false
    /// 1 the topic, 2 the broker's dynamic setting, 3 the dynamic default of all brokers, 4 the
    /// broker's file, 5 the default.
    package var configSource: Int8 = -1
    package var isSensitive: Bool = false
    package var synonyms: [DescribeConfigsSynonym] = []
    /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password, 0
    /// unknown. Since version 3.
    package var configType: Int8 = 0
    package var documentation: String? = nil

    package init() {}

    package init(
      name: String = "", value: String? = nil, readOnly: Bool = false,
      configSource: Int8 = -1, isSensitive: Bool = false,
      synonyms: [DescribeConfigsSynonym] = [], configType: Int8 = 0,
      documentation: String? = nil
    ) {
      self.name = name
      self.value = value
      self.readOnly = readOnly
      self.configSource = configSource
      self.isSensitive = isSensitive
      self.synonyms = synonyms
      self.configType = configType
      self.documentation = documentation
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.nullableString(&value)
      try coder.bool(&readOnly)
      try coder.int8(&configSource)
      try coder.bool(&isSensitive)
      try coder.array(&synonyms)
      if coder.version >= 3 {
        try coder.int8(&configType)
        try coder.nullableString(&documentation)
      }
      try coder.endOfStruct()
    }
  }

  /// Another place that has a value for a setting.
  package struct DescribeConfigsSynonym: WireStruct {
    package var name: String = ""
    package var value: String? = nil
    /// As `configSource`.
    package var source: Int8 = 0

    package init() {}

    package init(name: String = "", value: String? = nil, source: Int8 = 0) {
      self.name = name
      self.value = value
      self.source = source
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.nullableString(&value)
      try coder.int8(&source)
      try coder.endOfStruct()
    }
  }
}
