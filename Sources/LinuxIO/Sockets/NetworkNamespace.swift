import CLinux
import Glibc

/// A network namespace of this process's own, without a name: it is gone, with the devices in it,
/// when nobody holds it and no socket of it is open, whatever happens to the process. Needs
/// CAP_SYS_ADMIN.
package final class NetworkNamespace: Sendable {
  private let number: Int32

  /// `unshare(2)` with CLONE_NEWNET, in a thread that ends at once.
  package init() throws(SystemCallError) {
    let thread = try WorkerThread<Result<Int32, SystemCallError>> {
      let result = clinux_unshare_network()
      if result < 0 {
        return .failure(SystemCallError(.unshare, ErrorNumber(rawValue: -result), path: "netns"))
      }
      let path = "/proc/thread-self/ns/net"
      let number = open(path, O_RDONLY | clinux_o_cloexec())
      return number < 0 ? .failure(SystemCallError(.open, .current, path: path)) : .success(number)
    }
    guard let result = thread.join() else {
      throw SystemCallError(.unshare, .inputOutput, path: "netns")
    }
    number = try result.get()
  }

  deinit { close(number) }

  /// The namespace as other programs find it while this object lives.
  package var path: String { "/proc/\(getpid())/fd/\(number)" }

  /// Runs `body` in a thread of the namespace: sockets made in it, and programs started, belong to it.
  package func run<Value: Sendable>(
    _ body: sending @escaping () throws(SystemCallError) -> Value
  ) throws(SystemCallError) -> Value {
    let number = self.number
    let thread = try WorkerThread<Result<Value, SystemCallError>> {
      let result = clinux_enter_network(number)
      if result < 0 {
        return .failure(SystemCallError(.setns, ErrorNumber(rawValue: -result), path: "netns"))
      }
      do throws(SystemCallError) { return .success(try body()) } catch { return .failure(error) }
    }
    guard let result = thread.join() else {
      throw SystemCallError(.setns, .inputOutput, path: "netns")
    }
    return try result.get()
  }
}
