/// The APIs that the broker speaks. To a version that is not spoken the answer is one of version 0,
/// with the error `unsupportedVersion`.
package struct ApiVersionsResponse: WireMessage {
  package static var flexibleSince: Int16 { 3 }

  /// A `KafkaError`.
  package var errorCode: Int16 = 0
  package var apiKeys: [ApiVersion] = []
  package var throttleTimeMs: Int32 = 0
  package var supportedFeatures: [SupportedFeatureKey] = []
  /// -1 where it is not known.
  package var finalizedFeaturesEpoch: Int64 = -1
  package var finalizedFeatures: [FinalizedFeatureKey] = []
  package var zkMigrationReady: Bool = false

  package init() {}

  package init(
    errorCode: Int16 = 0, apiKeys: [ApiVersion] = [], throttleTimeMs: Int32 = 0,
    supportedFeatures: [SupportedFeatureKey] = [], finalizedFeaturesEpoch: Int64 = -1,
    finalizedFeatures: [FinalizedFeatureKey] = [], zkMigrationReady: Bool = false
  ) {
    self.errorCode = errorCode
    self.apiKeys = apiKeys
    self.throttleTimeMs = throttleTimeMs
    self.supportedFeatures = supportedFeatures
    self.finalizedFeaturesEpoch = finalizedFeaturesEpoch
    self.finalizedFeatures = finalizedFeatures
    self.zkMigrationReady = zkMigrationReady
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int16(&errorCode)
    try coder.array(&apiKeys)
    if coder.version >= 1 { try coder.int32(&throttleTimeMs) }
    try coder.endOfStruct([
      TaggedField(0, isSet: !supportedFeatures.isEmpty),
      TaggedField(1, isSet: finalizedFeaturesEpoch != -1),
      TaggedField(2, isSet: !finalizedFeatures.isEmpty),
      TaggedField(3, isSet: zkMigrationReady),
    ]) { (tag, coder) throws(WireError) in
      switch tag {
      case 0: try coder.array(&supportedFeatures)
      case 1: try coder.int64(&finalizedFeaturesEpoch)
      case 2: try coder.array(&finalizedFeatures)
      case 3: try coder.bool(&zkMigrationReady)
      default: break
      }
    }
  }
}

extension ApiVersionsResponse {
  /// An API, and its versions from the first to the last.
  package struct ApiVersion: WireStruct {
    package var apiKey: Int16 = 0
    package var minVersion: Int16 = 0
    package var maxVersion: Int16 = 0

    package init() {}

    package init(apiKey: Int16 = 0, minVersion: Int16 = 0, maxVersion: Int16 = 0) {
      self.apiKey = apiKey
      self.minVersion = minVersion
      self.maxVersion = maxVersion
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&apiKey)
      try coder.int16(&minVersion)
      try coder.int16(&maxVersion)
      try coder.endOfStruct()
    }
  }

  /// A feature of the broker.
  package struct SupportedFeatureKey: WireStruct {
    package var name: String = ""
    package var minVersion: Int16 = 0
    package var maxVersion: Int16 = 0

    package init() {}

    package init(name: String = "", minVersion: Int16 = 0, maxVersion: Int16 = 0) {
      self.name = name
      self.minVersion = minVersion
      self.maxVersion = maxVersion
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int16(&minVersion)
      try coder.int16(&maxVersion)
      try coder.endOfStruct()
    }
  }

  /// A feature of the cluster.
  package struct FinalizedFeatureKey: WireStruct {
    package var name: String = ""
    package var maxVersionLevel: Int16 = 0
    package var minVersionLevel: Int16 = 0

    package init() {}

    package init(name: String = "", maxVersionLevel: Int16 = 0, minVersionLevel: Int16 = 0) {
      self.name = name
      self.maxVersionLevel = maxVersionLevel
      self.minVersionLevel = minVersionLevel
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.int16(&maxVersionLevel)
      try coder.int16(&minVersionLevel)
      try coder.endOfStruct()
    }
  }
}
