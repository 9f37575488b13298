/// The connections of one event loop, and those of them that have something to do. Belongs to the
/// loop's thread.
final class ConnectionSet {
  private let context: LoopContext
  private var connections: [Int: Connection] = [:]
  private var scheduled: [Connection] = []
  private var nextID = 0

  init(_ context: LoopContext) { self.context = context }

  var isEmpty: Bool { connections.isEmpty }

  /// Some connection has something to do.
  var hasWork: Bool { !scheduled.isEmpty }

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

  /// Adds a connection, whose turn comes.
  func add(_ connection: Connection) {
    context.checkThread()
    connections[connection.id] = connection
    schedule(connection)
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

  /// Gives a turn to each that was scheduled before.
  func takeTurns(_ turn: (Connection) -> Void) {
    let now = scheduled
    scheduled.removeAll(keepingCapacity: true)
    for connection in now {
      connection.isScheduled = false
      if contains(connection) { turn(connection) }
    }
  }

  /// Closes them all.
  func closeAll() {
    for connection in connections.values { connection.close() }
    connections = [:]
    scheduled = []
  }
}
