#include "clinux.h"

#include <malloc.h>
#include <string.h>

static int argument_count;
static char **arguments;

/* glibc calls constructors with main's arguments. */
__attribute__((constructor)) static void keep_arguments(int count, char **words) {
  argument_count = count;
  arguments = words;
}

char **clinux_arguments(int *count) {
  *count = argument_count;
  return arguments;
}

#if defined(__x86_64__)
#include <cpuid.h>

int clinux_hypervisor(char name[13]) {
  uint32_t a, b, c, d;
  /* CPUID leaf 1, ECX bit 31: the processor is virtual. Leaf 0x40000000 then has the vendor. */
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31)) return 0;
  __cpuid(0x40000000, a, b, c, d);
  memcpy(name, &b, 4);
  memcpy(name + 4, &c, 4);
  memcpy(name + 8, &d, 4);
  name[12] = 0;
  return 1;
}
#else
int clinux_hypervisor(char name[13]) {
  name[0] = 0;
  return 0;
}
#endif

void clinux_release_memory(void) { malloc_trim(0); }
