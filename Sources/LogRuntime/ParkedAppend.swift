import LinuxIO
import Records

/// An append that waits until what its log needs is read. A class, since an array holds no buffers.
final class ParkedAppend {
  var buffer: AlignedBuffer?
  let batch: RecordBatchHeader
  let owner: any AppendOwner
  let part: Int

  init(
    _ buffer: consuming AlignedBuffer?, _ batch: RecordBatchHeader, _ owner: any AppendOwner,
    _ part: Int
  ) {
    self.buffer = buffer
    self.batch = batch
    self.owner = owner
    self.part = part
  }
}
