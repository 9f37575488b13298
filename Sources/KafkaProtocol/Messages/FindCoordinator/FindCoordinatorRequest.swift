/// Which broker coordinates this group or transaction? Several at once from version 4.
package struct FindCoordinatorRequest: WireRequest {
  package typealias Response = FindCoordinatorResponse
  package static var apiNumber: Int16 { 10 }
  package static var versions: ClosedRange<Int16> { 0...4 }
  package static var flexibleSince: Int16 { 3 }

  /// Up to version 3.
  package var key: String = ""
  /// 0 for a group, 1 for a transaction. Since version 1.
  package var keyType: Int8 = 0
  /// Since version 4.
  package var coordinatorKeys: [String] = []

  package init() {}

  package init(key: String = "", keyType: Int8 = 0, coordinatorKeys: [String] = []) {
    self.key = key
    self.keyType = keyType
    self.coordinatorKeys = coordinatorKeys
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    if coder.version <= 3 { try coder.string(&key) }
    if coder.version >= 1 { try coder.int8(&keyType) }
    if coder.version >= 4 { try coder.stringArray(&coordinatorKeys) }
    try coder.endOfStruct()
  }
}
