import LinuxIO

/// Says on standard error how far long work has come: on a terminal by rewriting one line, elsewhere
/// by a line every few seconds.
final class LineProgress {
  private let isTerminal = StandardStream.error.isTerminal
  private var last = MonotonicClock.nanoseconds()
  private var hasLine = false

  func tell(_ text: String) {
    let now = MonotonicClock.nanoseconds()
    if now - last < (isTerminal ? 200_000_000 : 5_000_000_000) { return }
    last = now
    hasLine = isTerminal
    StandardStream.error.write(isTerminal ? "\r\(text)\u{1b}[K" : "\(text)\n")
  }

  func end() {
    if hasLine { StandardStream.error.write("\r\u{1b}[K") }
    hasLine = false
  }
}
