/// A mistake in a suite file or in a `--set` option, in words that say where and what to write.
///
/// `Bench/quick.yaml:7:3: unknown key 'durabilty' (nearest: 'durability'); accepted: axes, …`
package struct SuiteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the mistake is.
  package enum Place: Hashable, Sendable {
    /// Line and column count from 1, the column in Unicode scalars.
    case line(file: String, line: Int, column: Int)
    case file(String)
    case option(String)
  }

  package let place: Place
  package let problem: String

  package init(_ place: Place, _ problem: String) {
    self.place = place
    self.problem = problem
  }

  package var description: String {
    switch place {
    case .line(let file, let line, let column): "\(file):\(line):\(column): \(problem)"
    case .file(let file): "\(file): \(problem)"
    case .option(let option): "\(option): \(problem)"
    }
  }
}
