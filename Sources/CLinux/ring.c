/* io_uring, through liburing. */
#define _GNU_SOURCE
#include "clinux.h"
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

struct clinux_ring {
  struct io_uring ring;
  unsigned entries;
};

int clinux_ring_open(unsigned entries, clinux_ring **out) {
  clinux_ring *r = calloc(1, sizeof *r);
  if (r == NULL) return -ENOMEM;
  r->entries = entries;
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  /* One thread submits and reaps, and completions run when it asks for them (Linux 6.1). */
  p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  int result = io_uring_queue_init_params(entries, &r->ring, &p);
  if (result == -EINVAL) {
    memset(&p, 0, sizeof p);
    result = io_uring_queue_init_params(entries, &r->ring, &p);
  }
  if (result < 0) {
    free(r);
    return result;
  }
  *out = r;
  return 0;
}

unsigned clinux_ring_features(const clinux_ring *r) { return r->ring.features; }

void clinux_ring_close(clinux_ring *r) {
  io_uring_queue_exit(&r->ring);
  free(r);
}

int clinux_ring_register_files(clinux_ring *r, unsigned count) {
  return io_uring_register_files_sparse(&r->ring, count);
}

int clinux_ring_set_file(clinux_ring *r, unsigned slot, int fd) {
  int result = io_uring_register_files_update(&r->ring, slot, &fd, 1);
  return result < 0 ? result : 0;
}

int clinux_ring_register_memory(clinux_ring *r, void *base, size_t count) {
  struct iovec v = {.iov_base = base, .iov_len = count};
  return io_uring_register_buffers(&r->ring, &v, 1);
}

static void finish(struct io_uring_sqe *s, int link, uint64_t tag, int is_slot) {
  s->flags |= (uint8_t)((link ? IOSQE_IO_LINK : 0) | (is_slot ? IOSQE_FIXED_FILE : 0));
  s->user_data = tag;
}

int clinux_ring_write(clinux_ring *r, int file, int is_slot, const void *bytes, unsigned count,
                      int64_t position, int is_registered, int link, uint64_t tag) {
  struct io_uring_sqe *s = io_uring_get_sqe(&r->ring);
  if (s == NULL) return -EBUSY;
  if (is_registered) {
    io_uring_prep_write_fixed(s, file, bytes, count, (uint64_t)position, 0);
  } else {
    io_uring_prep_write(s, file, bytes, count, (uint64_t)position);
  }
  finish(s, link, tag, is_slot);
  return 0;
}

int clinux_ring_datasync(clinux_ring *r, int file, int is_slot, int link, uint64_t tag) {
  struct io_uring_sqe *s = io_uring_get_sqe(&r->ring);
  if (s == NULL) return -EBUSY;
  io_uring_prep_fsync(s, file, IORING_FSYNC_DATASYNC);
  finish(s, link, tag, is_slot);
  return 0;
}

int clinux_ring_submit(clinux_ring *r, unsigned wait_for) {
  return wait_for > 0 ? io_uring_submit_and_wait(&r->ring, wait_for)
                      : io_uring_submit_and_get_events(&r->ring);
}

int clinux_ring_next(clinux_ring *r, uint64_t *tag, int *result) {
  struct io_uring_cqe *c = NULL;
  if (io_uring_peek_cqe(&r->ring, &c) != 0 || c == NULL) return 0;
  *tag = c->user_data;
  *result = c->res;
  io_uring_cqe_seen(&r->ring, c);
  return 1;
}
