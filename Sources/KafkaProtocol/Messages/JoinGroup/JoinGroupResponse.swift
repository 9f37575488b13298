/// The group that a consumer has joined, or why it could not.
package struct JoinGroupResponse: WireMessage {
  package static var flexibleSince: Int16 { 6 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  package var generationId: Int32 = -1
  /// Since version 7.
  package var protocolType: String? = nil
  /// The chosen way to assign partitions. Null only since version 7.
  package var protocolName: String? = ""
  package var leader: String = ""
  /// True where the leader must not assign partitions. Since version 9.
  package var skipAssignment: Bool = false
  package var memberId: String = ""
  package var members: [JoinGroupResponseMember] = []

  package init() {}

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version >= 2 { try coder.int32(&throttleTimeMs) }
    try coder.int16(&errorCode)
    try coder.int32(&generationId)
    if coder.version >= 7 {
      try coder.nullableString(&protocolType)
      try coder.nullableString(&protocolName)
    } else {
      var name = protocolName ?? ""
      try coder.string(&name)
      protocolName = name
    }
    try coder.string(&leader)
    if coder.version >= 9 { try coder.bool(&skipAssignment) }
    try coder.string(&memberId)
    try coder.array(&members)
    try coder.endOfStruct()
  }
}

extension JoinGroupResponse {
  /// A member, as the group's leader sees it.
  package struct JoinGroupResponseMember: WireStruct {
    package var memberId: String = ""
    /// Since version 5.
    package var groupInstanceId: String? = nil
    package var metadata: [UInt8] = []

    package init() {}

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&memberId)
      if coder.version >= 5 { try coder.nullableString(&groupInstanceId) }
      try coder.bytes(&metadata)
      try coder.endOfStruct()
    }
  }
}
