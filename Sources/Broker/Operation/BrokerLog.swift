import LinuxIO
import Logging

/// The broker's log: lines for whoever `write` hands them to. From any thread.
package struct BrokerLog: Sendable {
  package let logger: Logger
  private let limiter: LineLimiter

  /// `write` gets a whole line with its end, from any thread, and must not wait. At most
  /// `perSecond` lines of one kind pass in a second where a client can cause them (`limited`).
  package init(
    format: LogFormat, level: Logger.Level, perSecond: Int = 10,
    clock: @escaping @Sendable () -> Int64 = { WallClock.milliseconds() },
    write: @escaping @Sendable (String) -> Void
  ) {
    let handler = LineHandler(format: format, level: level, clock: clock, write: write)
    logger = Logger(label: "varve", factory: { _ in handler })
    limiter = LineLimiter(perSecond: perSecond)
  }

  package func debug(
    _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
  ) { log(.debug, message(), fields()) }

  package func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:])
  { log(.info, message(), fields()) }

  package func warning(
    _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
  ) { log(.warning, message(), fields()) }

  package func error(
    _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
  ) { log(.error, message(), fields()) }

  /// Written out sorted by name.
  package typealias Fields = [String: String]

  package func log(
    _ level: Logger.Level, _ message: @autoclosure () -> String,
    _ fields: @autoclosure () -> Fields = [:]
  ) {
    logger.log(
      level: level, "\(message())",
      metadata: fields().mapValues { Logger.MetadataValue.string($0) })
  }

  /// A line that a client can cause: after so many of its kind in a second the rest of that
  /// second's are counted, and one line says how many, when the next of the kind passes or at the
  /// next `writeLeftOut`. `now` is in monotonic nanoseconds.
  package func limited(
    _ kind: StaticString, _ level: Logger.Level, _ message: @autoclosure () -> String,
    _ fields: @autoclosure () -> Fields = [:], now: Int64 = MonotonicClock.nanoseconds()
  ) {
    // What is not written must not use up what is.
    guard level >= logger.logLevel else { return }
    let admission = limiter.admit("\(kind)", now: now)
    if admission.leftOut > 0 { writeLeftOut("\(kind)", admission.leftOut) }
    if admission.isAdmitted { log(level, message(), fields()) }
  }

  /// The same, as a warning.
  package func limited(
    _ kind: StaticString, _ message: @autoclosure () -> String,
    _ fields: @autoclosure () -> Fields = [:]
  ) { limited(kind, .warning, message(), fields()) }

  /// Says what was left out in seconds that are over. To be called every second or so, or a kind
  /// that comes no more would never be told of.
  package func writeLeftOut(now: Int64 = MonotonicClock.nanoseconds()) {
    for (kind, count) in limiter.takeLeftOut(now: now) { writeLeftOut(kind, count) }
  }

  private func writeLeftOut(_ kind: String, _ count: Int) {
    warning("left out lines of one kind", ["kind": kind, "count": "\(count)"])
  }
}
