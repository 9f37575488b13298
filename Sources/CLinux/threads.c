/* What a thread asks of the kernel for itself. */
#define _GNU_SOURCE
#include "clinux.h"
#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stddef.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int clinux_end_with_parent(void) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? 0 : -errno;
}

int clinux_semaphore_wait(void *semaphore, int64_t nanoseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  nanoseconds += until.tv_nsec;
  until.tv_sec += nanoseconds / 1000000000;
  until.tv_nsec = nanoseconds % 1000000000;
  int result;
  do result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
  while (result < 0 && errno == EINTR);
  return result == 0 ? 0 : -errno;
}

int clinux_process_descriptor(int process) {
  return (int)syscall(SYS_pidfd_open, process, 0);
}

int clinux_plain_pipe(int files[2]) { return pipe2(files, O_CLOEXEC); }

int clinux_allow_tracer(int process) {
  return prctl(PR_SET_PTRACER, (unsigned long)process, 0, 0, 0) == 0 ? 0 : -errno;
}

int clinux_timer_open(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

int clinux_timer_arm(int fd, int64_t nanoseconds) {
  struct itimerspec when = {
      .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? 0 : -errno;
}

int clinux_timer_wait(int fd) {
  uint64_t count;
  return read(fd, &count, sizeof count) == sizeof count ? 0 : -errno;
}
