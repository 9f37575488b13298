/// Which topics were created.
package struct CreateTopicsResponse: WireMessage {
  package static var flexibleSince: Int16 { 5 }

  package var throttleTimeMs: Int32 = 0
  package var topics: [CreatableTopicResult] = []

  package init() {}

  package init(throttleTimeMs: Int32 = 0, topics: [CreatableTopicResult] = []) {
    self.throttleTimeMs = throttleTimeMs
    self.topics = topics
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    try coder.array(&topics)
    try coder.endOfStruct()
  }
}

extension CreateTopicsResponse {
  /// Whether a topic was created, and from version 5 what it is like.
  package struct CreatableTopicResult: WireStruct {
    package var name: String = ""
    package var topicId: UUIDBits = .zero
    package var errorCode: Int16 = 0
    package var errorMessage: String? = nil
    /// Why `configs` is nil, where it is.
    package var topicConfigErrorCode: Int16 = 0
    package var numPartitions: Int32 = -1
    package var replicationFactor: Int16 = -1
    package var configs: [CreatableTopicConfigs]? = []

    package init() {}

    package init(
      name: String = "", topicId: UUIDBits = .zero, errorCode: Int16 = 0,
      errorMessage: String? = nil, topicConfigErrorCode: Int16 = 0, numPartitions: Int32 = -1,
      replicationFactor: Int16 = -1, configs: [CreatableTopicConfigs]? = []
    ) {
      self.name = name
      self.topicId = topicId
      self.errorCode = errorCode
      self.errorMessage = errorMessage
      self.topicConfigErrorCode = topicConfigErrorCode
      self.numPartitions = numPartitions
      self.replicationFactor = replicationFactor
      self.configs = configs
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      if coder.version >= 7 { try coder.uuid(&topicId) }
      try coder.int16(&errorCode)
      try coder.nullableString(&errorMessage)
      if coder.version >= 5 {
        try coder.int32(&numPartitions)
        try coder.int16(&replicationFactor)
        try coder.nullableArray(&configs)
      }
      try coder.endOfStruct([
        TaggedField(0, isSet: topicConfigErrorCode != 0)
      ]) { (tag, coder) throws(WireError) in
        switch tag {
        case 0: try coder.int16(&topicConfigErrorCode)
        default: break
        }
      }
    }
  }

  /// A setting of a new topic.
  package struct CreatableTopicConfigs: WireStruct {
    package var name: String = ""
    package var value: String? = nil
    package var readOnly: Bool = false
    /// As in `DescribeConfigsResponse`.
    package var configSource: Int8 = -1
    package var isSensitive: Bool = false

    package init() {}

    package init(
      name: String = "", value: String? = nil, readOnly: Bool = false,
      configSource: Int8 = -1, isSensitive: Bool = false
    ) {
      self.name = name
      self.value = value
      self.readOnly = readOnly
      self.configSource = configSource
      self.isSensitive = isSensitive
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.nullableString(&value)
      try coder.bool(&readOnly)
      try coder.int8(&configSource)
      try coder.bool(&isSensitive)
      try coder.endOfStruct()
    }
  }
}
