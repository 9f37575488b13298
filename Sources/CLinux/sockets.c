/* Sockets, pipes, readiness, and the calls that move a file's pages to a socket. */
#define _GNU_SOURCE
#include "clinux.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t result_of(ssize_t result) { return result < 0 ? -errno : result; }

ssize_t clinux_send(int fd, const void *bytes, size_t count, int more, int zero_copy) {
  int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0) | (zero_copy ? MSG_ZEROCOPY : 0);
  return result_of(send(fd, bytes, count, flags));
}

ssize_t clinux_receive(int fd, void *bytes, size_t count, int discard) {
  return result_of(recv(fd, discard ? NULL : bytes, count, discard ? MSG_TRUNC : 0));
}

ssize_t clinux_sendfile(int socket, int file, int64_t position, size_t count) {
  off_t offset = position;
  return result_of(sendfile(socket, file, &offset, count));
}

ssize_t clinux_splice_to_pipe(int file, int64_t position, int pipe, size_t count) {
  off64_t offset = position;
  return result_of(splice(file, &offset, pipe, NULL, count, SPLICE_F_NONBLOCK));
}

ssize_t clinux_splice_to_socket(int pipe, int socket, size_t count, int more) {
  unsigned flags = SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
  return result_of(splice(pipe, NULL, socket, NULL, count, flags));
}

int clinux_pipe(int ends[2], int wanted_bytes) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  int granted = fcntl(ends[1], F_SETPIPE_SZ, wanted_bytes);
  if (granted < 0) granted = fcntl(ends[1], F_GETPIPE_SZ);
  return granted < 0 ? 65536 : granted;
}

int clinux_reap_zero_copy(int fd, uint32_t *count, int *copied) {
  char control[128];
  struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
  *count = 0;
  *copied = 0;
  if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return -errno;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
    int is_error = (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
                   (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR);
    if (!is_error || c->cmsg_len < CMSG_LEN(sizeof(struct sock_extended_err))) continue;
    struct sock_extended_err error;
    memcpy(&error, CMSG_DATA(c), sizeof error);
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) return error.ee_errno ? -(int)error.ee_errno : -EIO;
    *count = error.ee_data - error.ee_info + 1;
    *copied = (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0;
  }
  return 0;
}

int clinux_socket_set(int fd, int option, int value) {
  static const int names[][2] = {
      [CLINUX_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY}, [CLINUX_CORK] = {IPPROTO_TCP, TCP_CORK},
      [CLINUX_SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF}, [CLINUX_RECEIVE_BUFFER] = {SOL_SOCKET, SO_RCVBUF},
      [CLINUX_ZERO_COPY] = {SOL_SOCKET, SO_ZEROCOPY}, [CLINUX_REUSE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
      [CLINUX_RECEIVE_LOW_WATER] = {SOL_SOCKET, SO_RCVLOWAT}};
  if (setsockopt(fd, names[option][0], names[option][1], &value, sizeof value) != 0) return -errno;
  return 0;
}

int clinux_socket_receivable(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 ? count : -errno;
}

int clinux_socket_set_congestion(int fd, const char *name) {
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0 ? 0 : -errno;
}

int clinux_socket_reset_on_close(int fd) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 ? 0 : -errno;
}

int64_t clinux_tcp_segments_out(int fd) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -errno;
  return info.tcpi_data_segs_out;
}

static int address_of(const char *host, uint16_t port, struct sockaddr_in *address) {
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  return inet_pton(AF_INET, host, &address->sin_addr) == 1 ? 0 : -EINVAL;
}

int clinux_tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

int clinux_tcp_bind(int fd, const char *host, uint16_t port) {
  struct sockaddr_in address;
  int result = address_of(host, port, &address);
  if (result != 0) return result;
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
}

/* A signal ends connect(2)'s wait and not the connecting, which cannot be asked for again. */
static int finish_connecting(int fd) {
  struct pollfd wanted = {.fd = fd, .events = POLLOUT};
  while (poll(&wanted, 1, -1) < 0)
    if (errno != EINTR) return -errno;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

int clinux_tcp_connect(int fd, const char *host, uint16_t port) {
  struct sockaddr_in address;
  int result = address_of(host, port, &address);
  if (result != 0) return result;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return 0;
  return errno == EINTR ? finish_connecting(fd) : -errno;
}

int clinux_tcp_port(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) return -errno;
  return ntohs(address.sin_port);
}

int clinux_accept(int fd, uint32_t *address, uint16_t *port) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  memset(&peer, 0, sizeof peer);
  int accepted = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted < 0) return -errno;
  *address = ntohl(peer.sin_addr.s_addr);
  *port = ntohs(peer.sin_port);
  return accepted;
}

int clinux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

int clinux_unix_pair(int ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0 ? 0 : -errno;
}

int clinux_epoll_open(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_epoll_add(int epoll, int fd, uint32_t interests, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLET, .data.u64 = tag};
  if (interests & CLINUX_READABLE) event.events |= EPOLLIN | EPOLLRDHUP;
  if (interests & CLINUX_WRITABLE) event.events |= EPOLLOUT;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, int count_max, int timeout_ms) {
  struct epoll_event found[64];
  int count = epoll_wait(epoll, found, count_max < 64 ? count_max : 64, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    events[i].tag = found[i].data.u64;
    events[i].readiness = 0;
    if (found[i].events & (EPOLLIN | EPOLLRDHUP)) events[i].readiness |= CLINUX_READABLE;
    if (found[i].events & EPOLLOUT) events[i].readiness |= CLINUX_WRITABLE;
    if (found[i].events & (EPOLLERR | EPOLLHUP)) events[i].readiness |= CLINUX_BROKEN;
    if (found[i].events & EPOLLRDHUP) events[i].readiness |= CLINUX_ENDED;
  }
  return count;
}

int clinux_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_unshare_network(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : -errno; }
int clinux_enter_network(int namespace) { return setns(namespace, CLONE_NEWNET) == 0 ? 0 : -errno; }
