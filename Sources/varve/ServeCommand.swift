import ArgumentParser
import Broker
import CommitLog
import Foundation
import LinuxIO
import LogStorage
import TransferPaths

/// `varve serve`
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve a data directory to Kafka's clients.",
    discussion: """
      Settings have Kafka's names where Kafka has them, and come from a file of properties, from the \
      environment (VARVE_NUM_PARTITIONS for num.partitions, VARVE_DURABILITY for varve.durability), \
      and from flags, the later over the earlier; all of them are printed at the start. Those of \
      topics are what a topic goes by that was not given another. SIGTERM and Ctrl-C stop it \
      cleanly.

      Example: varve serve --data ./data --listen 127.0.0.1:9092 --set varve.durability=group
      """)

  @Option(help: "A file of properties, name=value a line.")
  var config: String?

  @Option(help: "The data directory; made where it is missing (log.dirs).")
  var data: String?

  @Option(help: "HOST:PORT to listen on; port 0 is a free one (listeners).")
  var listen: String?

  @Option(help: "HOST:PORT that clients are told to connect to (advertised.listeners).")
  var advertise: String?

  @Option(help: "HOST:PORT for metrics and health by HTTP (varve.metrics.listen).")
  var metrics: String?

  @Option(name: .customLong("set"), help: "One setting, NAME=VALUE; may be given many times.")
  var settings: [String] = []

  @Flag(help: "Print every setting with what it means and accepts, and stop.")
  var settingsHelp = false

  func run() throws {
    let names = ShippedPaths.all.map { $0.capabilities.name }
    var chosen = BrokerSettings(backends: Backends.names, transfers: names)
    if settingsHelp { return StandardStream.output.write(chosen.reference()) }
    do { try read(&chosen) } catch let error as SettingsError {
      throw CommandFailure.usage("\(error)")
    }
    let signals = StopSignals()
    StandardStream.output.write(chosen.listing())
    // Who starts it reads there where it listens.
    if StandardStream.output.loss != nil { throw ExitCode.failure }
    let lines: LineWriter
    do { lines = try LineWriter() } catch { throw CommandFailure.failed("\(error)") }
    // What was said is written before the process ends, if somebody reads it.
    defer { lines.finish(seconds: 1) }
    let log = BrokerLog(format: chosen.logFormat, level: chosen.logLevel, write: lines.add)
    for (variable, nearest) in BrokerSettings.misspelt(ProcessInfo.processInfo.environment) {
      log.warning("\(variable) is no setting's variable, and does nothing (nearest: \(nearest))")
    }
    let broker: Broker
    let opening = OpeningWatch { signals.isPending }
    do { broker = try Broker(chosen, Self.parts, log, opening: opening) } catch LogError.interrupted
    {
      return printLine("varve serve: stopped before it served; the next start goes on")
    } catch let error as SettingsError {
      throw CommandFailure.usage("\(error)")
    } catch { throw CommandFailure.failed("\(error)") }
    if let address = broker.metricsAddress { printLine("varve serve: metrics on \(address)") }
    printLine("varve serve: listening on \(broker.address)")
    signals.wait()
    log.info("stopping")
    broker.stop()
    printLine("varve serve: stopped")
  }

  private func read(_ chosen: inout BrokerSettings) throws {
    if let config {
      let text: String?
      do { text = try InputFile.text(of: config, bytesMax: 1 << 20) } catch {
        throw CommandFailure.usage("--config: \(config): cannot be read: \(error.number)")
      }
      guard let text else {
        throw CommandFailure.usage("--config: \(config): found bytes that are no UTF-8 text")
      }
      try chosen.readFile(text: text, path: config)
    }
    try chosen.readEnvironment(ProcessInfo.processInfo.environment)
    for (flag, name, value) in [
      ("--data", "log.dirs", data), ("--listen", "listeners", listen),
      ("--advertise", "advertised.listeners", advertise),
      ("--metrics", "varve.metrics.listen", metrics),
    ] {
      if let value { try chosen.set(name, to: value, from: .flag(flag)) }
    }
    for text in settings {
      guard let equals = text.firstIndex(of: "=") else {
        throw CommandFailure.usage("--set: found '\(text)', expected NAME=VALUE")
      }
      try chosen.set(
        String(text[..<equals]), to: String(text[text.index(after: equals)...]),
        from: .flag("--set"))
    }
  }

  private static var parts: BrokerParts {
    BrokerParts(
      makeIO: { LinuxFileIO(watch: $0, isPrivate: true) },
      makeDrivers: { watch in Backends.makeDrivers(BackendOptions(watch: watch)) },
      preallocations: { Backends.named($0)?.capabilities.preallocations },
      transfers: ShippedPaths.all)
  }
}

/// SIGTERM and SIGINT, waited for instead of handled. Made before any thread is started, since
/// threads take over what their maker has blocked.
private struct StopSignals {
  init() { Self.change(SIG_BLOCK, [SIGTERM, SIGINT]) }

  /// One of them has come, and was not waited for yet.
  var isPending: Bool {
    var signals = sigset_t()
    sigpending(&signals)
    return sigismember(&signals, SIGTERM) == 1 || sigismember(&signals, SIGINT) == 1
  }

  /// Waits for one of them. A SIGTERM after it changes nothing, since some senders send it twice;
  /// another Ctrl-C ends the process at once.
  func wait() {
    var signals = Self.set([SIGTERM, SIGINT])
    var number: Int32 = 0
    sigwait(&signals, &number)
    Self.change(SIG_UNBLOCK, [SIGINT])
  }

  private static func set(_ numbers: [Int32]) -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    return signals
  }

  private static func change(_ how: Int32, _ numbers: [Int32]) {
    var signals = set(numbers)
    pthread_sigmask(how, &signals, nil)
  }
}
