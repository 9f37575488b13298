import CLinux

/// The words that this process was started with.
package enum ProcessArguments {
  /// The program's name first. Swift's own list comes from /proc, and is empty where that is not
  /// mounted; this one is what the loader was given.
  package static let all: [String] = {
    var count: Int32 = 0
    guard let words = clinux_arguments(&count) else { return CommandLine.arguments }
    return (0..<Int(count)).compactMap { index in words[index].map { String(cString: $0) } }
  }()
}
