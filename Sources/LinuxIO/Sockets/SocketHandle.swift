import CLinux
import Glibc
import Synchronization

/// A connected stream socket, non-blocking, that this object owns: closed once, by `close` or, as a
/// net, by going out of scope.
///
/// Calls may come from any thread; sends from one at a time. A call that would have to wait answers
/// nil: `EventPoll` tells when to ask again. No call raises SIGPIPE.
package final class SocketHandle: Sendable {
  package enum Family: Sendable { case tcp, unix }

  package let family: Family
  /// What errors call it.
  package let name: String
  // Relaxed: the descriptor is published by whatever hands the object to another thread.
  private let descriptor: Atomic<Int32>
  private let isCorked = Atomic(false)

  /// Takes over an open descriptor.
  init(_ number: Int32, _ family: Family, name: String) {
    // sendfile and splice to a socket whose peer has gone raise it, and have no flag against it.
    _ = Self.ignoresPipeSignal
    descriptor = Atomic(number)
    self.family = family
    self.name = name
  }

  deinit { close() }

  /// -1, which no call accepts, once closed.
  var number: Int32 { descriptor.load(ordering: .relaxed) }

  package func close() {
    let number = descriptor.exchange(-1, ordering: .relaxed)
    if number >= 0 { _ = Glibc.close(number) }
  }

  /// Closes so that a TCP peer gets a reset, and nothing more of what was queued (SO_LINGER of 0):
  /// for when bytes under way must not be believed. A Unix socket's peer reads what is queued all
  /// the same.
  package func reset() {
    _ = clinux_socket_reset_on_close(number)
    close()
  }

  /// `shutdown(2)`: the peer reads what is queued, and then the end.
  package func finishSending() { _ = shutdown(number, Int32(SHUT_WR)) }

  private static let ignoresPipeSignal: Bool = {
    var action = sigaction()
    sigaction(SIGPIPE, nil, &action)
    // A handler that somebody has set stays.
    if action.__sigaction_handler.sa_handler == nil { signal(SIGPIPE, SIG_IGN) }
    return true
  }()

  // MARK: - Sending

  /// `send(2)`: how many of the bytes were taken; nil where none can be now. With `more` the kernel
  /// may wait for what follows, to fill a packet (MSG_MORE); without, a cork ends with the last
  /// byte.
  package func send(_ bytes: RawSpan, more: Bool) throws(SystemCallError) -> Int? {
    let taken = try bytes.withUnsafeBytes { (source) throws(SystemCallError) in
      try send(source, more: more, isZeroCopy: false)
    }
    if !more && taken == bytes.byteCount { try setCorked(false) }
    return taken
  }

  /// The same from a file's mapping. With `isZeroCopy` (MSG_ZEROCOPY, after `allowZeroCopy`) the
  /// kernel may send the pages themselves, and says in `reapZeroCopy` when it has. Throws
  /// `noBuffers` where too many such sends have not been reaped.
  package func send(
    _ mapping: ReadMapping, _ range: Range<Int64>, more: Bool, isZeroCopy: Bool
  ) throws(SystemCallError) -> Int? {
    try send(mapping.memory(range), more: more, isZeroCopy: isZeroCopy)
  }

  private func send(
    _ bytes: UnsafeRawBufferPointer, more: Bool, isZeroCopy: Bool
  ) throws(SystemCallError) -> Int? {
    try nonBlocking(.send, name) {
      clinux_send(number, bytes.baseAddress, bytes.count, more ? 1 : 0, isZeroCopy ? 1 : 0)
    }
  }

  /// `sendfile(2)`: how many bytes of the file, from `position` on, were taken; 0 at the file's
  /// end. The kernel may still read those pages after this returns.
  package func sendFile(
    _ file: KernelFile, at position: Int64, count: Int
  ) throws(SystemCallError) -> Int? {
    try nonBlocking(.sendfile, name) { clinux_sendfile(number, file.number, position, count) }
  }

  /// TCP_CORK: while on, only full packets leave (for at most 200 ms, says tcp(7)); turning it off
  /// sends the rest. Does nothing where the socket has no packets, or is so already.
  package func setCorked(_ wanted: Bool) throws(SystemCallError) {
    if family != .tcp || isCorked.load(ordering: .relaxed) == wanted { return }
    try set(CLINUX_CORK, wanted ? 1 : 0)
    isCorked.store(wanted, ordering: .relaxed)
  }

  /// Sends at once what waits for a packet to fill (TCP_NODELAY set again, which overrides even a
  /// cork).
  package func push() throws(SystemCallError) {
    if family == .tcp { try set(CLINUX_NO_DELAY, 1) }
  }

  /// Notifications about zero-copy sends.
  package struct ZeroCopyNotice: Hashable, Sendable {
    /// How many sends are done with their memory.
    package let count: Int
    /// True where the kernel copied after all.
    package let wasCopied: Bool
  }

  /// Takes one notification from the error queue (`recvmsg(2)` with MSG_ERRQUEUE); nil where there
  /// is none now.
  package func reapZeroCopy() throws(SystemCallError) -> ZeroCopyNotice? {
    var count: UInt32 = 0
    var copied: Int32 = 0
    let result = clinux_reap_zero_copy(number, &count, &copied)
    if result == -EAGAIN { return nil }
    if result < 0 { throw failure(.recvmsg, -result) }
    return ZeroCopyNotice(count: Int(count), wasCopied: copied != 0)
  }

  // MARK: - Receiving

  /// `recv(2)`: how many bytes were read, 0 at the end; nil where none have come yet.
  package func receive(into bytes: inout MutableRawSpan) throws(SystemCallError) -> Int? {
    try bytes.withUnsafeMutableBytes { (target) throws(SystemCallError) in
      try nonBlocking(.recv, name) { clinux_receive(number, target.baseAddress, target.count, 0) }
    }
  }

  /// FIONREAD, of ioctl_tty(2): how many bytes `receive` would find.
  package func receivableBytes() throws(SystemCallError) -> Int {
    let count = clinux_socket_receivable(number)
    if count < 0 { throw failure(.ioctl, -count) }
    return Int(count)
  }

  /// SO_RCVLOWAT, which a TCP socket's poll honours. The kernel takes at most half of its buffer.
  package func setWakeBytes(_ count: Int) throws(SystemCallError) {
    try set(CLINUX_RECEIVE_LOW_WATER, Int32(clamping: count))
  }

  /// The same as `receive`, with the bytes dropped in the kernel (MSG_TRUNC). TCP only.
  package func discard(count: Int) throws(SystemCallError) -> Int? {
    precondition(family == .tcp)
    return try nonBlocking(.recv, name) { clinux_receive(number, nil, count, 1) }
  }

  // MARK: - Options

  /// TCP_NODELAY: packets leave at once, full or not. For TCP.
  package func setNoDelay() throws(SystemCallError) { try set(CLINUX_NO_DELAY, 1) }

  /// SO_SNDBUF, in bytes; the kernel doubles it, and has a least size. Ends autotuning.
  package func setSendBuffer(bytes: Int) throws(SystemCallError) {
    try set(CLINUX_SEND_BUFFER, Int32(clamping: bytes))
  }

  /// SO_RCVBUF, likewise.
  package func setReceiveBuffer(bytes: Int) throws(SystemCallError) {
    try set(CLINUX_RECEIVE_BUFFER, Int32(clamping: bytes))
  }

  /// TCP_CONGESTION: which of the kernel's algorithms decides how much is under way. Throws
  /// `noSuchFile` where there is none of that name.
  package func setCongestionControl(_ name: String) throws(SystemCallError) {
    let result = clinux_socket_set_congestion(number, name)
    if result < 0 { throw failure(.setsockopt, -result) }
  }

  /// SO_ZEROCOPY. Throws `notSupported` on sockets that cannot.
  package func allowZeroCopy() throws(SystemCallError) { try set(CLINUX_ZERO_COPY, 1) }

  /// Segments with data that have left (TCP_INFO); nil on other sockets.
  package var dataSegmentsOut: Int64? {
    let count = clinux_tcp_segments_out(number)
    return count < 0 ? nil : count
  }

  private func set(_ option: Int, _ value: Int32) throws(SystemCallError) {
    let result = clinux_socket_set(number, Int32(option), value)
    if result < 0 { throw failure(.setsockopt, -result) }
  }

  private func failure(_ call: SystemCall, _ number: Int32) -> SystemCallError {
    SystemCallError(call, ErrorNumber(rawValue: number), path: name)
  }
}

/// A call of CLinux on a non-blocking descriptor, again after EINTR: its count, nil where it would
/// have to wait.
func nonBlocking(
  _ call: SystemCall, _ name: String, _ body: () -> Int
) throws(SystemCallError) -> Int? {
  while true {
    let count = body()
    if count >= 0 { return count }
    switch Int32(-count) {
    case EINTR: continue
    case EAGAIN: return nil
    default: throw SystemCallError(call, ErrorNumber(rawValue: Int32(-count)), path: name)
    }
  }
}
