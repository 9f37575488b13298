// StorageBackends: ways to append bytes to segment files, one file (or folder) each.
//
// Belongs here: conformers of `StorageBackend`, generic over `FileIO`, and what they share
// (`OpenSegment`, `SynchronousSegments`, `LastBlock`). Does not: batches, offsets, indexes; nothing here knows what it writes. How to add
// one is in CONTRIBUTING.md.
