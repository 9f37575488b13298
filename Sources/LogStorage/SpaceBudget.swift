import LinuxIO

/// Space that the segments of one backend have taken ahead of their ends, all together: a thousand
/// partitions share what one alone may have.
///
/// Belongs to the backend's thread, with the zeros that are written where space is to be zeroed.
package final class SpaceBudget {
  private let bytesMax: Int64
  package private(set) var bytesUsed: Int64 = 0
  private var zeros: AlignedBuffer?

  package init(bytesMax: Int64) { self.bytesMax = bytesMax }

  /// What may still be taken.
  var available: Int64 { max(0, bytesMax - bytesUsed) }

  /// A segment has so much more ahead of its end, or, below zero, less.
  func change(by bytes: Int64) { bytesUsed += bytes }

  /// Lends 1 MiB of zeros, aligned for O_DIRECT.
  func withZeros<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = zeros.take() ?? Self.makeZeros()
    let result: Swift.Result<Result, Failure>
    do throws(Failure) { result = .success(try buffer.withBytes(body)) } catch {
      result = .failure(error)
    }
    zeros = consume buffer
    return try result.get()
  }

  private static func makeZeros() -> AlignedBuffer {
    var buffer = AlignedBuffer(capacity: 1 << 20)
    buffer.resize(to: 1 << 20)
    var span = buffer.mutableBytes
    span.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
    return buffer
  }
}
