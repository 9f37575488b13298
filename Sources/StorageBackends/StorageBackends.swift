// StorageBackends: ways to append bytes to segment files, one file (or folder) each.
//
// Belongs here: conformers of `StorageBackend`, generic over `FileIO`, and what they share
// (`OpenSegment`, `SynchronousSegments`, `LastBlock`). Does not: batches, offsets, indexes; nothing here knows what it writes. How to add
// one is in CONTRIBUTING.md.
import LogStorage

/// The backends that ship. A new one is a line here.
package enum ShippedBackends {
  /// In an order that stays: a crash history's seed picks by it.
  package static let all: [any BackendKind] = [
    BufferedKind(),
    DontCacheKind(),
    MappedKind(),
    DirectKind(),
    UringKind<UringDirect>(),
    UringKind<UringBuffered>(),
  ]
}
