// LogStorage: the seam between a log and the way its bytes reach the disk.
//
// Belongs here: `StorageBackend` and its one erasure, what a backend can and what can fail, and the
// readers' side of a segment file (`SegmentFile`, `SegmentTail`, `LogSlice`). Does not: any backend,
// and anything that knows what is in the bytes.
