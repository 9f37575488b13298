/// The form of a place: `any`, `cpu:0-1,3`, `node:0`. Whether the machine has it, the trial asks.
enum PlacementText {
  static func isWellFormed(_ text: String) -> Bool {
    if text == "any" { return true }
    return text.wholeMatch(of: /(cpu|node):[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*/)
      != nil
  }
}
