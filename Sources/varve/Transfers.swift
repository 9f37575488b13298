import LoadGenerator
import TransferPaths

/// The transfer paths by name. A new one is one more line here.
enum Transfers {
  static let choices = [
    TransferChoice(CopyPath.self),
    TransferChoice(SendfilePath.self),
    TransferChoice(SplicePath.self),
    TransferChoice(MappedPath.self),
    TransferChoice(ZeroCopySendPath.self),
  ]
}
