// LogStorage: the seam between a log and the way its bytes reach the disk.
//
// Belongs here: `StorageBackend` and its one erasure, what a backend can and what can fail, the
// readers' side of a segment file (`SegmentFile`, `SegmentTail`, `LogSlice`), and how space is taken
// ahead (`SegmentSpace`), which the bare reference does in the same steps. Does not: any backend, and
// anything that knows what is in the bytes.
