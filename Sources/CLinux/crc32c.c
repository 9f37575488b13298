/* CRC-32C: the processor's instruction, three streams at a time, and a table for other processors.
 *
 * The crc32 instruction has a latency of three cycles and a throughput of one, so one dependent
 * chain runs at a third of what the processor can do. Three independent chains over adjacent
 * blocks fill it; their results are joined by "shifting" a CRC over the length of a block of
 * zeros, which is linear over GF(2) and so a table lookup per byte of the CRC (Mark Adler's
 * technique, and Intel's "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction"). */
#include "clinux.h"
#include <pthread.h>
#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u
#define BLOCK 4096u /* bytes of each of the three streams in one round */

static uint32_t table[8][256];      /* slicing-by-eight */
static uint32_t shift_block[4][256]; /* over BLOCK zeros, per byte of the CRC */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t times(const uint32_t matrix[32], uint32_t vector) {
  uint32_t sum = 0;
  for (; vector != 0; vector >>= 1, matrix++)
    if (vector & 1) sum ^= *matrix;
  return sum;
}

static void square(uint32_t out[32], const uint32_t in[32]) {
  for (int n = 0; n < 32; n++) out[n] = times(in, in[n]);
}

/* The operator that appends `count` zero bytes (a power of two) to a CRC's input. */
static void make_shift(uint32_t out[4][256], size_t count) {
  uint32_t a[32], b[32];
  a[0] = POLYNOMIAL; /* one zero bit */
  for (int n = 1; n < 32; n++) a[n] = 1u << (n - 1);
  for (size_t bits = 1; bits < count * 8; bits <<= 1) {
    square(b, a);
    memcpy(a, b, sizeof a);
  }
  for (uint32_t n = 0; n < 256; n++)
    for (int byte = 0; byte < 4; byte++) out[byte][n] = times(a, n << (8 * byte));
}

static void make_tables(void) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t crc = n;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
    table[0][n] = crc;
  }
  for (uint32_t n = 0; n < 256; n++)
    for (int k = 1; k < 8; k++)
      table[k][n] = table[0][table[k - 1][n] & 0xff] ^ (table[k - 1][n] >> 8);
  make_shift(shift_block, BLOCK);
}

uint32_t clinux_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&once, make_tables);
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count >= 8; next += 8, count -= 8) {
    uint32_t low = crc ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                          (uint32_t)next[3] << 24);
    crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^
          table[4][low >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^
          table[0][next[7]];
  }
  for (; count > 0; next++, count--) crc = table[0][(crc ^ *next) & 0xff] ^ (crc >> 8);
  return ~crc;
}

#if defined(__x86_64__)

int clinux_crc32c_has_hardware(void) { return __builtin_cpu_supports("sse4.2") ? 1 : 0; }

static uint64_t load(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

static uint32_t shift(uint32_t crc) {
  return shift_block[0][crc & 0xff] ^ shift_block[1][(crc >> 8) & 0xff] ^
         shift_block[2][(crc >> 16) & 0xff] ^ shift_block[3][crc >> 24];
}

__attribute__((target("sse4.2"))) uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes,
                                                                   size_t count) {
  pthread_once(&once, make_tables);
  const uint8_t *next = bytes;
  uint64_t first = ~crc;
  for (; count >= 3 * BLOCK; next += 3 * BLOCK, count -= 3 * BLOCK) {
    uint64_t second = 0, third = 0;
    for (size_t at = 0; at < BLOCK; at += 8) {
      first = _mm_crc32_u64(first, load(next + at));
      second = _mm_crc32_u64(second, load(next + BLOCK + at));
      third = _mm_crc32_u64(third, load(next + 2 * BLOCK + at));
    }
    first = shift((uint32_t)first) ^ second;
    first = shift((uint32_t)first) ^ third;
  }
  for (; count >= 8; next += 8, count -= 8) first = _mm_crc32_u64(first, load(next));
  for (; count > 0; next++, count--) first = _mm_crc32_u8((uint32_t)first, *next);
  return ~(uint32_t)first;
}

#else

int clinux_crc32c_has_hardware(void) { return 0; }
uint32_t clinux_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  return clinux_crc32c_table(crc, bytes, count);
}

#endif
