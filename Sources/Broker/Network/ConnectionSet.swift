import DequeModule
import LinuxIO

/// The connections of one event loop, and those of them that have something to do. Belongs to the
/// loop's thread.
///
/// Something has happened to those that are scheduled: each has its turn in the next round. Whoever
/// was not done within its turn goes on behind them, a slice of each round, so that who sends or
/// receives much does not keep the others waiting.
final class ConnectionSet {
  private let context: LoopContext
  private var connections: [Int: Connection] = [:]
  private var scheduled: [Connection] = []
  /// Those that go on, in turn.
  private var goingOn = Deque<Connection>()
  private var nextID = 0

  init(_ context: LoopContext) { self.context = context }

  var isEmpty: Bool { connections.isEmpty }

  /// Some connection has something to do.
  var hasWork: Bool { !scheduled.isEmpty || !goingOn.isEmpty }

  /// In no order; as they are now, whatever becomes of them meanwhile.
  var all: [Connection] { Array(connections.values) }

  /// Nil where it has ended.
  subscript(_ id: Int) -> Connection? {
    context.checkThread()
    return connections[id]
  }

  func contains(_ connection: Connection) -> Bool { connections[connection.id] != nil }

  /// A number for a connection that is to be added; never given twice.
  func takeID() -> Int {
    defer { nextID += 1 }
    return nextID
  }

  /// Adds a connection, whose turn comes in a slice: hundreds may come at once, and go.
  func add(_ connection: Connection) {
    context.checkThread()
    connections[connection.id] = connection
    goOn(connection)
  }

  /// False where it had ended before.
  func remove(_ connection: Connection) -> Bool {
    context.checkThread()
    return connections.removeValue(forKey: connection.id) != nil
  }

  /// The connection has something to do: its turn comes.
  func schedule(_ connection: Connection) {
    context.checkThread()
    if connection.isScheduled { return }
    connection.isScheduled = true
    scheduled.append(connection)
  }

  /// The connection was not done within its turn, or nobody waits for it: it goes on when it is its
  /// turn again.
  func goOn(_ connection: Connection) {
    context.checkThread()
    if connection.isScheduled { return }
    connection.isScheduled = true
    goingOn.append(connection)
  }

  /// Bytes that a turn may move, where nobody else waits.
  private static let turnBytesMax = 1 << 20
  /// What it may move at least, however many wait.
  private static let turnBytesMin = 64 << 10
  /// What the turns of a round may move together, about.
  private static let roundBytes = 4 << 20

  /// A round: gives a turn to each that was scheduled before, with the bytes that it may move, and
  /// then a slice to those that go on.
  func takeTurns(_ turn: (Connection, _ bytesMax: Int) -> Void) {
    let now = scheduled
    scheduled.removeAll(keepingCapacity: true)
    let share = min(Self.turnBytesMax, max(Self.turnBytesMin, Self.roundBytes / max(1, now.count)))
    for connection in now { take(connection, share, turn) }
    if goingOn.isEmpty { return }
    let slice = TimeSlice(nanoseconds: LoopContext.sliceNanoseconds)
    // Each once at most: what has come meanwhile is looked at between.
    for _ in 0..<goingOn.count {
      take(goingOn.removeFirst(), Self.turnBytesMax, turn)
      if slice.isOver { return }
    }
  }

  private func take(
    _ connection: Connection, _ bytesMax: Int, _ turn: (Connection, Int) -> Void
  ) {
    connection.isScheduled = false
    if contains(connection) { turn(connection, bytesMax) }
  }

  /// Closes them all.
  func closeAll() {
    for connection in connections.values { connection.close() }
    connections = [:]
    scheduled = []
    goingOn = []
  }
}
