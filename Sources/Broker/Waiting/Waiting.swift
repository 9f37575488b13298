import HeapModule

/// Requests that wait: each for keys, any of which may wake it, and until a time at the latest.
/// Belongs to one thread. Adding, waking and removing cost by the request's own keys, however many
/// others wait.
package struct Waiting<Key: Hashable, Request> {
  /// Names a request that waits; never given twice.
  package typealias Ticket = Int

  private struct Entry {
    let request: Request
    let keys: [Key]
  }

  private struct Deadline: Comparable {
    let time: Int64
    let ticket: Ticket

    static func < (one: Deadline, other: Deadline) -> Bool {
      (one.time, one.ticket) < (other.time, other.ticket)
    }
  }

  private var entries: [Ticket: Entry] = [:]
  private var byKey: [Key: Set<Ticket>] = [:]
  /// Also of requests that have gone; those are left out when they come up.
  private var deadlines = Heap<Deadline>()
  private var nextTicket = 0

  package init() {}

  package var count: Int { entries.count }

  /// Keeps the request until it is removed. `deadline` is monotonic, in nanoseconds.
  package mutating func add(_ request: Request, keys: [Key], until deadline: Int64) -> Ticket {
    let ticket = nextTicket
    nextTicket += 1
    entries[ticket] = Entry(request: request, keys: keys)
    for key in keys { byKey[key, default: []].insert(ticket) }
    deadlines.insert(Deadline(time: deadline, ticket: ticket))
    dropGone()
    return ticket
  }

  /// The request waits no more; nil where it did not.
  @discardableResult
  package mutating func remove(_ ticket: Ticket) -> Request? {
    guard let entry = entries.removeValue(forKey: ticket) else { return nil }
    for key in entry.keys {
      byKey[key]?.remove(ticket)
      if byKey[key]?.isEmpty == true { byKey[key] = nil }
    }
    return entry.request
  }

  /// The requests that wait for this key.
  package func tickets(of key: Key) -> Set<Ticket> { byKey[key] ?? [] }

  package subscript(_ ticket: Ticket) -> Request? { entries[ticket]?.request }

  /// The earliest time at which a request is due, or an earlier one; `Int64.max` where none waits.
  package var nextDeadline: Int64 { deadlines.min?.time ?? .max }

  /// The requests whose time has come, which go on waiting.
  package mutating func due(at now: Int64) -> [Ticket] {
    var due: [Ticket] = []
    while let first = deadlines.min, first.time <= now {
      deadlines.removeMin()
      if entries[first.ticket] != nil { due.append(first.ticket) }
    }
    return due
  }

  /// Those that are answered early leave their deadlines behind.
  private mutating func dropGone() {
    if deadlines.count <= 2 * entries.count + 64 { return }
    deadlines = Heap(deadlines.unordered.filter { entries[$0.ticket] != nil })
  }
}
