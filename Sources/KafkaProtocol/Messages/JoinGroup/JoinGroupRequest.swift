/// A consumer's request to become a member of a group.
package struct JoinGroupRequest: WireRequest {
  package typealias Response = JoinGroupResponse
  package static var apiNumber: Int16 { 11 }
  package static var versions: ClosedRange<Int16> { 0...9 }
  package static var flexibleSince: Int16 { 6 }

  package var groupId: String = ""
  package var sessionTimeoutMs: Int32 = 0
  /// -1 for the session timeout. Since version 1.
  package var rebalanceTimeoutMs: Int32 = -1
  /// Empty where the consumer has no member id yet.
  package var memberId: String = ""
  /// A static member's own name. Since version 5.
  package var groupInstanceId: String? = nil
  package var protocolType: String = ""
  package var protocols: [JoinGroupRequestProtocol] = []
  /// Why the consumer joins, for the broker's log. Since version 8.
  package var reason: String? = nil

  package init() {}

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.string(&groupId)
    try coder.int32(&sessionTimeoutMs)
    if coder.version >= 1 { try coder.int32(&rebalanceTimeoutMs) }
    try coder.string(&memberId)
    if coder.version >= 5 { try coder.nullableString(&groupInstanceId) }
    try coder.string(&protocolType)
    try coder.array(&protocols)
    if coder.version >= 8 { try coder.nullableString(&reason) }
    try coder.endOfStruct()
  }
}

extension JoinGroupRequest {
  /// A way to assign partitions that the consumer can take part in.
  package struct JoinGroupRequestProtocol: WireStruct {
    package var name: String = ""
    package var metadata: [UInt8] = []

    package init() {}

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.bytes(&metadata)
      try coder.endOfStruct()
    }
  }
}
