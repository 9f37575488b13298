/* Files: flags, allocation, locks and alignment. */
#define _GNU_SOURCE
#include "clinux.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

int clinux_o_direct(void) { return O_DIRECT; }
int clinux_o_cloexec(void) { return O_CLOEXEC; }

int clinux_fallocate(int fd, int keep_size, int64_t offset, int64_t length) {
  int result;
  do {
    result = fallocate(fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, offset, length);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : -errno;
}

#define VARVE_RWF_DONTCACHE 0x80
ssize_t clinux_write_uncached(int fd, const void *bytes, size_t count, int64_t position) {
  struct iovec v = {.iov_base = (void *)bytes, .iov_len = count};
  ssize_t result;
  do {
    result = pwritev2(fd, &v, 1, position, VARVE_RWF_DONTCACHE);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

#define VARVE_MADV_POPULATE_WRITE 23
int clinux_populate(void *base, size_t count) {
  while (madvise(base, count, VARVE_MADV_POPULATE_WRITE) != 0) {
    if (errno != EINTR && errno != EAGAIN) return -errno;
  }
  return 0;
}

int clinux_begin_writeback(int fd, int64_t offset, int64_t count) {
  return sync_file_range(fd, offset, count, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : -errno;
}

int clinux_lock_exclusively(int fd) {
  for (int tries = 0;; tries++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK || tries == 10000) return -errno;
    /* Who only asks, below, has it shared for a moment; whoever has it for good has it alone. */
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) return -errno;
    flock(fd, LOCK_UN);
    struct timespec moment = {0, 1000000};
    nanosleep(&moment, NULL);
  }
}

int clinux_is_locked(int fd) {
  if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
    flock(fd, LOCK_UN);
    return 0;
  }
  return errno == EWOULDBLOCK ? 1 : -errno;
}

/* Debian 12's libc headers are older than STATX_DIOALIGN, so the kernel's layout is spelled out:
 * the two alignments follow stx_mnt_id, at byte 152 of the 256. */
#define VARVE_STATX_DIOALIGN 0x00002000U
int clinux_direct_io_alignment(int fd, uint32_t *memory, uint32_t *offset) {
  union {
    uint8_t bytes[256];
    struct { uint32_t mask; } head;
    struct { uint8_t before[152]; uint32_t memory, offset; } align;
  } out = {{0}};
  *memory = 0;
  *offset = 0;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, VARVE_STATX_DIOALIGN, &out) != 0) return -errno;
  if ((out.head.mask & VARVE_STATX_DIOALIGN) == 0) return 0;
  *memory = out.align.memory;
  *offset = out.align.offset;
  return 0;
}

static int64_t nanoseconds(struct timeval t) {
  return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

int clinux_usage(int this_thread, struct clinux_usage *usage) {
  struct rusage r;
  if (getrusage(this_thread ? RUSAGE_THREAD : RUSAGE_SELF, &r) != 0) return -errno;
  usage->user_ns = nanoseconds(r.ru_utime);
  usage->system_ns = nanoseconds(r.ru_stime);
  usage->minor_faults = r.ru_minflt;
  usage->major_faults = r.ru_majflt;
  usage->context_switches = r.ru_nvcsw + r.ru_nivcsw;
  return 0;
}

int clinux_filesystem_type(const char *path, int64_t *type) {
  struct statfs s;
  if (statfs(path, &s) != 0) return -errno;
  *type = (int64_t)s.f_type;
  return 0;
}

int clinux_device_of(const char *path, uint32_t *major_number, uint32_t *minor_number) {
  struct stat s;
  if (stat(path, &s) != 0) return -errno;
  *major_number = major(s.st_dev);
  *minor_number = minor(s.st_dev);
  return 0;
}

const void *clinux_map_for_reading(int fd, int64_t position, size_t count) {
  void *base = mmap(NULL, count, PROT_READ, MAP_SHARED, fd, position);
  return base == MAP_FAILED ? NULL : base;
}

/* In windows, so that a large file needs no large vector. */
/* linux/mman.h's, which Debian 12's headers do not have. */
#define VARVE_SYS_CACHESTAT 451
int64_t clinux_cached_pages(int fd, int64_t position, int64_t count) {
  struct { uint64_t position, count; } range = {(uint64_t)position, (uint64_t)count};
  struct { uint64_t cached, dirty, writeback, evicted, recently_evicted; } found;
  if (syscall(VARVE_SYS_CACHESTAT, fd, &range, &found, 0) != 0) return -errno;
  return (int64_t)found.cached;
}

int64_t clinux_resident_pages(int fd, int64_t count) {
  enum { WINDOW_PAGES = 65536 };
  const int64_t page = sysconf(_SC_PAGESIZE);
  unsigned char *residence = malloc(WINDOW_PAGES);
  if (residence == NULL) return -ENOMEM;
  int64_t resident = 0;
  for (int64_t start = 0; start < count; start += WINDOW_PAGES * page) {
    int64_t length = count - start < WINDOW_PAGES * page ? count - start : WINDOW_PAGES * page;
    void *base = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fd, start);
    int failed = base == MAP_FAILED || mincore(base, (size_t)length, residence) != 0;
    int error = errno;
    if (base != MAP_FAILED) munmap(base, (size_t)length);
    if (failed) {
      free(residence);
      return -error;
    }
    for (int64_t i = 0; i * page < length; i++) resident += residence[i] & 1;
  }
  free(residence);
  return resident;
}
