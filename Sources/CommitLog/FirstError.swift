/// The first error of several things that are all to be tried.
struct FirstError {
  private(set) var error: LogError?

  /// Does it; keeps its error where none is kept yet.
  mutating func note(_ body: () throws(LogError) -> Void) {
    do throws(LogError) { try body() } catch { self.error = self.error ?? error }
  }

  func rethrow() throws(LogError) {
    if let error { throw error }
  }
}
