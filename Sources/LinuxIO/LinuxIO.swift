// LinuxIO: the kernel, as the rest of Varve sees it.
//
// Belongs here: owned descriptors (files, sockets, pipes, epoll) and memory, the calls on them, their
// errors, threads, the clock, and the lower seam, `FileIO` and `RingIO`, which the simulated disk
// conforms to as well. Does not: anything that knows what a record, a segment or a log is. Raw
// descriptors stay in this target.
