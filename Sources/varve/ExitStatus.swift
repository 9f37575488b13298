/// How a command ends; `varve --help` has the list.
enum ExitStatus {
  /// `compare`, or `bench --against`, found something worse.
  static let regression: Int32 = 3
  /// `compare`, or `bench --against`, decided nothing, or lacks trials that it needs.
  static let undecided: Int32 = 4
  /// Ctrl-C or SIGTERM: what was finished is kept.
  static let interrupted: Int32 = 130
}
