import LinuxIO

/// What is known of all connections from one address.
final class Peer: Sendable {
  let address: String
  let memory: MemoryAccount.Peer

  fileprivate init(_ address: String) {
    self.address = address
    memory = MemoryAccount.Peer()
  }
}

/// The addresses that connections come from. From any thread.
final class PeerTable: Sendable {
  private struct Entry {
    let peer: Peer
    var connectionCount = 0
  }

  /// With more of them, those of addresses that have gone are looked for.
  private static let entriesTidied = 10_000

  private let entries = Lock<[String: Entry]>([:])

  /// A connection from this address begins; nil where there are `connectionsMax` already.
  func begin(_ address: String, connectionsMax: Int) -> Peer? {
    entries.withLock { entries in
      if entries.count > Self.entriesTidied {
        entries = entries.filter {
          $0.value.connectionCount > 0 || $0.value.peer.memory.holdsMemory
        }
      }
      var entry = entries[address] ?? Entry(peer: Peer(address))
      guard entry.connectionCount < connectionsMax else { return nil }
      entry.connectionCount += 1
      entries[address] = entry
      return entry.peer
    }
  }

  func end(_ peer: Peer) {
    entries.withLock { entries in
      let left = (entries[peer.address]?.connectionCount ?? 1) - 1
      // What its requests hold counts on, also where it comes again.
      if left > 0 || peer.memory.holdsMemory {
        entries[peer.address]?.connectionCount = left
      } else {
        entries[peer.address] = nil
      }
    }
  }
}
