// CommitLog: the log itself, without threads and without a clock.
//
// Belongs here: segments, indexes, appends, reads, recovery, retention, group commit, and the data
// directory with its topics. Does not: any backend by type (`AnyStorageBackend` is all it sees), and
// no time but what it is told. One I/O thread, a test or a simulator drives it; readers are anywhere.
