/* gzip files, and compressed bytes in memory, by zlib. */
#include "clinux.h"
#include <errno.h>
#include <zlib.h>

struct clinux_gzip;

clinux_gzip *clinux_gzip_open(const char *path) {
  errno = 0;
  gzFile file = gzopen(path, "rb");
  if (file == NULL) {
    if (errno == 0) errno = ENOMEM;
    return NULL;
  }
  gzbuffer(file, 256 * 1024);
  return (clinux_gzip *)file;
}

long clinux_gzip_read(clinux_gzip *file, void *bytes, size_t count) {
  unsigned want = count > (1u << 30) ? (1u << 30) : (unsigned)count;
  int got = gzread((gzFile)file, bytes, want);
  if (got < 0) return -1;
  /* A gzip file that was cut short ends in Z_BUF_ERROR, and gzread then returns what it had. */
  if ((unsigned)got < want) {
    int code;
    gzerror((gzFile)file, &code);
    if (code != Z_OK && code != Z_STREAM_END && got == 0) return -1;
  }
  return got;
}

const char *clinux_gzip_error(clinux_gzip *file) {
  int code;
  const char *text = gzerror((gzFile)file, &code);
  return code == Z_BUF_ERROR ? "the compressed data ends too soon" : text;
}

void clinux_gzip_close(clinux_gzip *file) { gzclose((gzFile)file); }

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
