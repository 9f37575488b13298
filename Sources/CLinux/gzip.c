/* gzip files, and compressed bytes in memory, by zlib. */
#define _GNU_SOURCE
#include "clinux.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Not zlib's gzFile, which loses what it has read where an error follows it in the same call, and
   takes a file that was cut short for a whole one where what it holds back ends at a buffer's end. */
struct clinux_gzip {
  int fd;
  z_stream stream;
  enum { AT_START, BETWEEN_MEMBERS, IN_MEMBER, PLAIN, AT_END } state;
  int has_stream;
  int is_drained; /* The file has no more bytes. */
  const char *error;
  unsigned char *bytes; /* Read and not used: start up to end. */
  size_t capacity, start, end;
};

clinux_gzip *clinux_gzip_open(const char *path, size_t buffer_bytes) {
  clinux_gzip *file = calloc(1, sizeof *file);
  if (file == NULL) return NULL;
  file->capacity = buffer_bytes < 16 ? 16 : buffer_bytes;
  file->bytes = malloc(file->capacity);
  file->fd = file->bytes == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file->fd < 0) {
    int cause = errno;
    free(file->bytes);
    free(file);
    errno = cause;
    return NULL;
  }
  return file;
}

static ssize_t read_some(clinux_gzip *file, void *bytes, size_t count) {
  ssize_t got;
  do {
    got = read(file->fd, bytes, count);
  } while (got < 0 && errno == EINTR);
  if (got < 0) file->error = strerror(errno);
  if (got <= 0) file->is_drained = 1;
  return got;
}

/* Has at least count bytes (16 at most) ready, unless the file ends before; how many are ready. */
static size_t ready(clinux_gzip *file, size_t count) {
  while (file->end - file->start < count && !file->is_drained) {
    memmove(file->bytes, file->bytes + file->start, file->end - file->start);
    file->end -= file->start;
    file->start = 0;
    ssize_t got = read_some(file, file->bytes + file->end, file->capacity - file->end);
    if (got > 0) file->end += (size_t)got;
  }
  return file->end - file->start;
}

/* What comes next: a member, bytes as they stand, or the end, before which there may be zeros. */
static void begin(clinux_gzip *file) {
  size_t count = ready(file, 2);
  if (file->error != NULL) return;
  const unsigned char *next = file->bytes + file->start;
  if (count >= 2 && next[0] == 0x1f && next[1] == 0x8b) {
    /* 16: gzip, with its header and its checksum. */
    int code = file->has_stream ? inflateReset(&file->stream)
                                : inflateInit2(&file->stream, MAX_WBITS + 16);
    file->has_stream |= code == Z_OK;
    file->state = IN_MEMBER;
    if (code != Z_OK) file->error = "there is no memory to decompress it";
  } else if (file->state == AT_START) {
    file->state = PLAIN;
  } else {
    while (ready(file, 1) > 0 && file->bytes[file->start] == 0) file->start++;
    file->state = AT_END;
    if (file->error == NULL && file->start != file->end) {
      file->error = "what follows the compressed data is none";
    }
  }
}

static size_t inflate_some(clinux_gzip *file, unsigned char *out, size_t count) {
  size_t available = ready(file, 1);
  z_stream *stream = &file->stream;
  unsigned take = available > INT_MAX ? INT_MAX : (unsigned)available;
  unsigned room = count > INT_MAX ? INT_MAX : (unsigned)count;
  stream->next_in = file->bytes + file->start;
  stream->avail_in = take;
  stream->next_out = out;
  stream->avail_out = room;
  int code = inflate(stream, Z_NO_FLUSH);
  file->start += take - stream->avail_in;
  if (code == Z_STREAM_END) {
    file->state = BETWEEN_MEMBERS;
  } else if (code == Z_BUF_ERROR && file->is_drained && file->error == NULL) {
    file->error = "the compressed data ends too soon";
  } else if (code != Z_OK && code != Z_BUF_ERROR) {
    file->error = stream->msg != NULL ? stream->msg : "the compressed data cannot be read";
  }
  return room - stream->avail_out;
}

static size_t copy_some(clinux_gzip *file, unsigned char *out, size_t count) {
  size_t available = file->end - file->start;
  if (available > 0) {
    size_t taken = available < count ? available : count;
    memcpy(out, file->bytes + file->start, taken);
    file->start += taken;
    return taken;
  }
  ssize_t got = file->is_drained ? 0 : read_some(file, out, count);
  if (got <= 0) file->state = AT_END;
  return got > 0 ? (size_t)got : 0;
}

long clinux_gzip_read(clinux_gzip *file, void *bytes, size_t count) {
  unsigned char *out = bytes;
  size_t made = 0;
  while (made < count && file->error == NULL && file->state != AT_END) {
    switch (file->state) {
      case IN_MEMBER: made += inflate_some(file, out + made, count - made); break;
      case PLAIN: made += copy_some(file, out + made, count - made); break;
      default: begin(file);
    }
  }
  /* An error is told when all that came before it has been taken. */
  return made == 0 && file->error != NULL && count > 0 ? -1 : (long)made;
}

const char *clinux_gzip_error(clinux_gzip *file) { return file->error; }

void clinux_gzip_close(clinux_gzip *file) {
  if (file->has_stream) inflateEnd(&file->stream);
  close(file->fd);
  free(file->bytes);
  free(file);
}

static long zlib_result(int code, uLongf made) {
  switch (code) {
    case Z_OK: return (long)made;
    case Z_BUF_ERROR: return -ENOBUFS;
    case Z_MEM_ERROR: return -ENOMEM;
    default: return -EBADMSG;
  }
}

size_t clinux_zlib_bound(size_t count) { return compressBound(count); }

long clinux_zlib_compress(const void *bytes, size_t count, void *out, size_t capacity) {
  uLongf made = capacity;
  int code = compress2(out, &made, bytes, count, Z_DEFAULT_COMPRESSION);
  return zlib_result(code, made);
}

long clinux_zlib_uncompress(const void *bytes, size_t count, void *out, size_t capacity) {
  uLongf made = capacity;
  uLong used = count;
  int code = uncompress2(out, &made, bytes, &used);
  /* Bytes behind the end of the stream. */
  if (code == Z_OK && used != count) return -EBADMSG;
  return zlib_result(code, made);
}
