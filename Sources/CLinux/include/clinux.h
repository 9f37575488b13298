/* CLinux: the system calls and processor instructions that Swift's Glibc module does not show.
 *
 * What belongs here: thin wrappers, one call each, that return what the kernel returned (negative
 * errno on failure), and the CRC-32C loops. What does not: any decision.
 *
 * This header includes only stdint, stddef and sys/types, on purpose: a debug build rejects two
 * Clang modules that saw glibc's headers under different feature macros, so _GNU_SOURCE and every
 * library's header stay inside the .c files. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* open(2) flags that Glibc's module hides; their values differ between architectures. */
int clinux_o_direct(void);
int clinux_o_cloexec(void);

/* fallocate(2): mode 0, or FALLOC_FL_KEEP_SIZE where keep_size is not 0. 0 or -errno. */
int clinux_fallocate(int fd, int keep_size, int64_t offset, int64_t length);

/* pwritev2(2) with RWF_DONTCACHE (Linux 6.14): -EOPNOTSUPP where the kernel or the file system does
 * not know it. The count or -errno. */
ssize_t clinux_write_uncached(int fd, const void *bytes, size_t count, int64_t position);

/* madvise(2) with MADV_POPULATE_WRITE (Linux 5.14): faults pages in for writing, and answers
 * -EFAULT where a store would have raised SIGBUS. 0 or -errno. */
int clinux_populate(void *base, size_t count);

/* sync_file_range(2) with SYNC_FILE_RANGE_WRITE: begins writeback of count bytes; 0 is all from offset on.
 * It does not take note of errors, which a later fdatasync of the descriptor still reports. 0 or -errno. */
int clinux_begin_writeback(int fd, int64_t offset, int64_t count);

/* flock(2), LOCK_EX | LOCK_NB: an advisory lock for as long as the descriptor lives. Waits, at most
 * ten seconds, only for those in clinux_is_locked. 0 or -errno. */
int clinux_lock_exclusively(int fd);

/* Whether another descriptor holds the lock exclusively: 1, 0 or -errno. Takes it shared and gives it
 * back at once. */
int clinux_is_locked(int fd);

/* statx(2) with STATX_DIOALIGN (Linux 6.1). 0 where direct I/O is not supported or not known. */
int clinux_direct_io_alignment(int fd, uint32_t *memory, uint32_t *offset);

/* getrusage(2) of the calling thread (RUSAGE_THREAD) or of the whole process. Times in
 * nanoseconds. 0 or -errno. */
struct clinux_usage {
  int64_t user_ns, system_ns, minor_faults, major_faults, context_switches;
};
int clinux_usage(int this_thread, struct clinux_usage *usage);

/* statfs(2)'s f_type. 0 or -errno. */
int clinux_filesystem_type(const char *path, int64_t *type);

/* 1 and the vendor that CPUID names, such as KVMKVMKVM, where the processor is virtual; else 0. */
int clinux_hypervisor(char name[13]);

/* The device number of the file system that holds path. 0 or -errno. */
int clinux_device_of(const char *path, uint32_t *major_number, uint32_t *minor_number);

/* CRC-32C (Castagnoli), as Kafka's batches use it. Start from 0; the result can be passed back in
 * as `crc` to go on. `hardware` needs clinux_crc32c_has_hardware() to have answered 1. */
int clinux_crc32c_has_hardware(void);
uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes, size_t count);
uint32_t clinux_crc32c_table(uint32_t crc, const void *bytes, size_t count);

/* Reads gzip (of any number of members) and plain files alike. What comes does not depend on how much
 * is asked for at once, or read at once (buffer_bytes). */
typedef struct clinux_gzip clinux_gzip;
/* NULL with errno set. */
clinux_gzip *clinux_gzip_open(const char *path, size_t buffer_bytes);
/* Bytes read, 0 at the end, -1 on an error that clinux_gzip_error describes, after everything that
 * came before it. */
long clinux_gzip_read(clinux_gzip *file, void *bytes, size_t count);
const char *clinux_gzip_error(clinux_gzip *file);
void clinux_gzip_close(clinux_gzip *file);

/* zlib's format (RFC 1950) in memory. `bound` is the capacity that suffices for count bytes. The
 * others answer how many bytes they made, or -errno: -ENOBUFS where capacity does not suffice,
 * -EBADMSG where the bytes are not one whole zlib stream, -ENOMEM. */
size_t clinux_zlib_bound(size_t count);
long clinux_zlib_compress(const void *bytes, size_t count, void *out, size_t capacity);
long clinux_zlib_uncompress(const void *bytes, size_t count, void *out, size_t capacity);

/* io_uring, one ring for one thread (SINGLE_ISSUER, DEFER_TASKRUN where the kernel has them). All
 * calls but `next` answer -errno on failure. */
typedef struct clinux_ring clinux_ring;
int clinux_ring_open(unsigned entries, clinux_ring **ring);
/* IORING_FEAT_*, as the kernel answered io_uring_setup(2). */
unsigned clinux_ring_features(const clinux_ring *ring);
void clinux_ring_close(clinux_ring *ring);
/* An empty table of `count` files; set_file puts a descriptor into a slot, -1 takes it out. */
int clinux_ring_register_files(clinux_ring *ring, unsigned count);
int clinux_ring_set_file(clinux_ring *ring, unsigned slot, int fd);
/* One region of memory, pinned for as long as the ring lives; charged to RLIMIT_MEMLOCK. */
int clinux_ring_register_memory(clinux_ring *ring, void *base, size_t count);
/* Queue one operation; -EBUSY where the queue is full. `file` is a slot where is_slot is not 0;
 * `bytes` lie in the registered memory where is_registered is not 0; with `link` the next one
 * queued begins when this one has ended well and in full, and is cancelled otherwise. */
int clinux_ring_write(clinux_ring *ring, int file, int is_slot, const void *bytes, unsigned count,
                      int64_t position, int is_registered, int link, uint64_t tag);
int clinux_ring_datasync(clinux_ring *ring, int file, int is_slot, int link, uint64_t tag);
/* Submits what is queued, runs completions, and waits for so many. */
int clinux_ring_submit(clinux_ring *ring, unsigned wait_for);
/* Takes one completion: 1, or 0 where there is none. `result` is a count or -errno. */
int clinux_ring_next(clinux_ring *ring, uint64_t *tag, int *result);

/* Stream sockets. The counts are those of send(2), recv(2), sendfile(2) and splice(2); -errno on
 * failure. Nothing raises SIGPIPE but sendfile and splice, which have no flag against it. */
ssize_t clinux_send(int fd, const void *bytes, size_t count, int more, int zero_copy);
/* With discard the bytes are dropped in the kernel (MSG_TRUNC; TCP only) and `bytes` is not used. */
ssize_t clinux_receive(int fd, void *bytes, size_t count, int discard);
ssize_t clinux_sendfile(int socket, int file, int64_t position, size_t count);
ssize_t clinux_splice_to_pipe(int file, int64_t position, int pipe, size_t count);
ssize_t clinux_splice_to_socket(int pipe, int socket, size_t count, int more);
/* A non-blocking pipe, grown to wanted_bytes where that is allowed; its size or -errno. */
int clinux_pipe(int ends[2], int wanted_bytes);
/* Takes one notification of MSG_ZEROCOPY sends from the error queue: how many, and whether the
 * kernel copied after all. -EAGAIN where there is none. */
int clinux_reap_zero_copy(int fd, uint32_t *count, int *copied);

enum {
  CLINUX_NO_DELAY, CLINUX_CORK, CLINUX_SEND_BUFFER, CLINUX_RECEIVE_BUFFER, CLINUX_ZERO_COPY,
  CLINUX_REUSE_ADDRESS, CLINUX_RECEIVE_LOW_WATER
};
int clinux_socket_set(int fd, int option, int value);
/* FIONREAD: bytes that have come and were not received; or -errno. */
int clinux_socket_receivable(int fd);
/* TCP_CONGESTION. */
int clinux_socket_set_congestion(int fd, const char *name);
/* SO_LINGER of 0: close sends a reset, and drops what was not delivered. */
int clinux_socket_reset_on_close(int fd);
/* TCP_INFO's tcpi_data_segs_out: segments with data that have left. */
int64_t clinux_tcp_segments_out(int fd);

int clinux_tcp_socket(void);
int clinux_tcp_bind(int fd, const char *host, uint16_t port);
int clinux_tcp_connect(int fd, const char *host, uint16_t port);
int clinux_tcp_port(int fd);
/* accept4(2): the new socket is non-blocking; its peer's IPv4 address and port are written. */
int clinux_accept(int fd, uint32_t *address, uint16_t *port);
int clinux_set_nonblocking(int fd);
int clinux_unix_pair(int ends[2]);

/* epoll(7), edge-triggered. */
enum { CLINUX_READABLE = 1, CLINUX_WRITABLE = 2, CLINUX_BROKEN = 4, CLINUX_ENDED = 8 };
struct clinux_event {
  uint64_t tag;
  uint32_t readiness;
};
int clinux_epoll_open(void);
int clinux_epoll_add(int epoll, int fd, uint32_t interests, uint64_t tag);
/* At most 64 events; 0 after the timeout, and when a signal came in between. */
int clinux_epoll_wait(int epoll, struct clinux_event *events, int count_max, int timeout_ms);
int clinux_eventfd(void);

/* unshare(2) and setns(2) of the calling thread's network namespace. */
int clinux_unshare_network(void);
int clinux_enter_network(int namespace);

/* cachestat(2) (Linux 6.5): pages of a range of a file that are in the page cache, or -errno. */
int64_t clinux_cached_pages(int fd, int64_t position, int64_t count);
/* Pages of a file's first `count` bytes that are in the page cache (mincore(2)), or -errno. */
int64_t clinux_resident_pages(int fd, int64_t count);
/* mmap(2) for reading, shared; NULL with errno set. */
const void *clinux_map_for_reading(int fd, int64_t position, size_t count);

/* NUMA, by libnuma. 1 where the kernel has it; the others mean nothing where it has not. */
int clinux_numa_available(void);
int clinux_numa_node_max(void);
/* 1, and what the node has, or 0 where there is no such node. */
int clinux_numa_node(int node, int64_t *bytes, int *memory_allowed);
/* As the firmware tells it: 10 to itself; 0 where it is not known. */
int clinux_numa_distance(int from, int to);
/* Sets the bits of the node's processors, 64 in a word, among words that were 0. 0 or -errno. */
int clinux_numa_node_cpus(int node, uint64_t *words, size_t count);
/* set_mempolicy(2) with MPOL_BIND, for the calling thread. 0 or -errno. */
int clinux_bind_memory(int node);
/* get_mempolicy(2) with MPOL_F_NODE | MPOL_F_ADDR: the node that the page lies on, or -errno. */
int clinux_memory_node(const void *address);

/* sched_getaffinity(2) and sched_setaffinity(2): a bit for each processor, 64 in a word. Of the
 * calling thread, or of the process's first where of_process is not 0. 0 or -errno. */
int clinux_affinity(int of_process, uint64_t *words, size_t count);
int clinux_set_affinity(const uint64_t *words, size_t count);
/* sched_getcpu(3), or -errno. */
int clinux_current_cpu(void);

/* prctl(2) PR_SET_PDEATHSIG: this process is killed when the thread that made it ends. 0 or -errno. */
int clinux_end_with_parent(void);
/* An HTTP server for GET and HEAD by libmicrohttpd, in a thread of its own. The answer is asked for on
 * that thread; it sets a status, a type that stays where it is, and a body from malloc(3), which is
 * freed. 404 where it sets nothing. A request's lines have 16 KiB together, and a connection that says
 * nothing has 10 s. The listening socket belongs to the server where it starts: 0 or -errno. */
struct clinux_http_reply {
  int status;
  const char *type;
  void *body;
  size_t count;
};
typedef void (*clinux_http_answer)(void *context, const char *path, struct clinux_http_reply *reply);
int clinux_http_start(
    int socket, unsigned connections, unsigned connections_per_address, clinux_http_answer answer,
    void *context, void **started);
void clinux_http_stop(void *started);
/* sem_clockwait(3) for so long at most, by the monotonic clock. 0 or -errno. */
int clinux_semaphore_wait(void *semaphore, int64_t nanoseconds);

/* Gives free memory of the allocator back to the system. */
void clinux_release_memory(void);

/* The process's arguments; NULL where the loader passes none to constructors. */
char **clinux_arguments(int *count);

/* pidfd_open(2): readable when the process has ended; below 0 where the kernel has none. */
int clinux_process_descriptor(int process);

/* pipe2(2) with O_CLOEXEC; sets errno. */
int clinux_plain_pipe(int files[2]);

/* prctl(2) PR_SET_PTRACER: that process may trace this one (Yama). 0 or -errno. */
int clinux_allow_tracer(int process);

/* timerfd_create(2) on the monotonic clock: a descriptor or -errno. */
int clinux_timer_open(void);
/* timerfd_settime(2), once, at this time of that clock (not 0). 0 or -errno. */
int clinux_timer_arm(int fd, int64_t nanoseconds);
/* read(2): returns when an armed timer has expired. 0 or -errno. */
int clinux_timer_wait(int fd);
