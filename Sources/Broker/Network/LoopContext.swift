import LinuxIO
import LogRuntime

/// What the parts of one event loop share: whose loop it is, the time, what the cluster looks like,
/// and how the loop is told something. Belongs to the loop's thread.
final class LoopContext {
  /// What each kind of work that may be put off takes of a round: it delays all others.
  static let sliceNanoseconds: Int64 = 250_000

  let number: Int
  let services: BrokerServices
  /// How other threads tell the loop something.
  let mailbox: Mailbox<LoopMessage>
  /// Buffers of requests that are received.
  let frames = FramePool()
  /// When this round began, in monotonic nanoseconds.
  private(set) var now: Int64
  private(set) var isStopping = false
  private var view: ClusterView
  private let thread = ThreadOwner()

  init(number: Int, services: BrokerServices) throws(SystemCallError) {
    self.number = number
    self.services = services
    mailbox = try Mailbox()
    view = ClusterView(services.registry)
    now = services.parts.time.monotonicNanoseconds()
  }

  /// The calling thread is the loop's from now on.
  func takeThread() { thread.take() }

  /// In debug builds: stops the program where another thread than the loop's calls.
  func checkThread() { thread.check() }

  /// The present, of which `now` is behind by what this round has done.
  func time() -> Int64 { services.parts.time.monotonicNanoseconds() }

  func beginRound() {
    checkThread()
    now = time()
  }

  func beginStop() { isStopping = true }

  /// A number for the connection among those of all loops: whose work a thread does.
  func source(ofConnection id: Int) -> Int { id << 6 | number }

  /// The cluster now.
  func cluster() -> ClusterSnapshot { view.current() }
}
