/* Where threads run and where their memory lies, by libnuma and the scheduler. */
#define _GNU_SOURCE
#include "clinux.h"
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <unistd.h>

int clinux_numa_available(void) { return numa_available() >= 0; }

int clinux_numa_node_max(void) { return numa_max_node(); }

int clinux_numa_node(int node, int64_t *bytes, int *memory_allowed) {
  if (!numa_bitmask_isbitset(numa_nodes_ptr, (unsigned)node)) return 0;
  long long size = numa_node_size64(node, NULL);
  *bytes = size > 0 ? size : 0;
  *memory_allowed = numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node);
  return 1;
}

int clinux_numa_distance(int from, int to) { return numa_distance(from, to); }

int clinux_numa_node_cpus(int node, uint64_t *words, size_t count) {
  struct bitmask *mask = numa_allocate_cpumask();
  if (mask == NULL) return -ENOMEM;
  int result = 0;
  if (numa_node_to_cpus(node, mask) < 0) {
    result = errno == 0 ? -EINVAL : -errno;
  } else {
    for (size_t cpu = 0; cpu < count * 64 && cpu < mask->size; cpu++)
      if (numa_bitmask_isbitset(mask, (unsigned)cpu)) words[cpu / 64] |= 1ull << (cpu % 64);
  }
  numa_free_cpumask(mask);
  return result;
}

int clinux_bind_memory(int node) {
  struct bitmask *mask = numa_allocate_nodemask();
  if (mask == NULL) return -ENOMEM;
  numa_bitmask_setbit(mask, (unsigned)node);
  /* The kernel counts one bit less than it is told. */
  long result = set_mempolicy(MPOL_BIND, mask->maskp, mask->size + 1);
  int error = errno;
  numa_free_nodemask(mask);
  return result < 0 ? -error : 0;
}

int clinux_memory_node(const void *address) {
  int node = -1;
  long result =
      get_mempolicy(&node, NULL, 0, (void *)address, MPOL_F_NODE | MPOL_F_ADDR);
  return result < 0 ? -errno : node;
}

int clinux_affinity(int of_process, uint64_t *words, size_t count) {
  pid_t who = of_process ? getpid() : 0;
  return sched_getaffinity(who, count * sizeof *words, (cpu_set_t *)words) < 0 ? -errno : 0;
}

int clinux_set_affinity(const uint64_t *words, size_t count) {
  return sched_setaffinity(0, count * sizeof *words, (const cpu_set_t *)words) < 0 ? -errno : 0;
}

int clinux_current_cpu(void) {
  int cpu = sched_getcpu();
  return cpu < 0 ? -errno : cpu;
}
