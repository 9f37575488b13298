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

/* flock(2), LOCK_EX | LOCK_NB: an advisory lock for as long as the descriptor lives. 0 or -errno. */
int clinux_lock_exclusively(int fd);

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

/* The device number of the file system that holds path. 0 or -errno. */
int clinux_device_of(const char *path, uint32_t *major_number, uint32_t *minor_number);

/* CRC-32C (Castagnoli), as Kafka's batches use it. Start from 0; the result can be passed back in
 * as `crc` to go on. `hardware` needs clinux_crc32c_has_hardware() to have answered 1. */
int clinux_crc32c_has_hardware(void);
uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes, size_t count);
uint32_t clinux_crc32c_table(uint32_t crc, const void *bytes, size_t count);

/* zlib's gzFile: reads gzip and plain files alike. */
typedef struct clinux_gzip clinux_gzip;
clinux_gzip *clinux_gzip_open(const char *path); /* NULL with errno set */
/* Bytes read, 0 at the end, -1 on an error that clinux_gzip_error describes. */
long clinux_gzip_read(clinux_gzip *file, void *bytes, size_t count);
const char *clinux_gzip_error(clinux_gzip *file);
void clinux_gzip_close(clinux_gzip *file);
