import CLinux
import Glibc

/// Wakes one thread at given times, cheaply where the next ones are known ahead (`timerfd(2)`).
///
/// Two timers in turn: while one runs out, the other is armed for the time after it. A timer that is not
/// the processor's next does not make the kernel set the hardware's, which on a virtual machine is an
/// exit to the host of 6 us or more: at 13,000 wake-ups a second the thread's own time was halved.
package final class PacingTimer {
  private let files: [Int32]
  /// When each will expire; nil where it is not armed.
  private var armed: [Int64?] = [nil, nil]

  package init() throws(SystemCallError) {
    let first = clinux_timer_open()
    if first < 0 { throw SystemCallError(.timerfd, ErrorNumber(rawValue: -first), path: "") }
    let second = clinux_timer_open()
    if second < 0 {
      close(first)
      throw SystemCallError(.timerfd, ErrorNumber(rawValue: -second), path: "")
    }
    files = [first, second]
  }

  deinit { for file in files { close(file) } }

  /// Returns at `deadline` or somewhat later (nanoseconds of the monotonic clock). `following` is when
  /// the next wait will probably end; a wrong guess costs a system call.
  package func wait(until deadline: Int64, following: Int64?) throws(SystemCallError) {
    let current = armed[0] == deadline ? 0 : armed[1] == deadline ? 1 : 0
    if armed[current] != deadline { try arm(current, at: deadline) }
    if let following, following > deadline, armed[1 - current] != following {
      try arm(1 - current, at: following)
    }
    armed[current] = nil
    let result = clinux_timer_wait(files[current])
    // After a signal the caller looks at the clock, as always.
    if result < 0 && result != -EINTR {
      throw SystemCallError(.timerfd, ErrorNumber(rawValue: -result), path: "")
    }
  }

  private func arm(_ index: Int, at time: Int64) throws(SystemCallError) {
    let result = clinux_timer_arm(files[index], max(1, time))
    if result < 0 { throw SystemCallError(.timerfd, ErrorNumber(rawValue: -result), path: "") }
    armed[index] = time
  }
}
