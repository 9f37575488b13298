import LinuxIO
import LogStorage
import Measurements
import Suites
import TransferPaths

/// The reference of a transfer: the same system calls, as many bytes in each, from plain files in the
/// same cache state to the same sockets, and nothing else.
package final class BareTransferTarget: LoadTarget {
  private var trial: TrialSetting?
  private var network: TransferNetwork?
  private var files: [PlainFile] = []
  private var calls: TransferCapabilities.Calls?

  package init() {}

  package var appendBytes: Int { trial?.parameters.callBytes ?? 0 }

  package func prepare(_ trial: TrialSetting) throws {
    let parameters = trial.parameters
    self.trial = trial
    let capabilities = try trial.checkedTransfer()
    calls = capabilities.calls
    network = try TransferNetwork(parameters)
    let each = max(1, parameters.sentLogBytes / Int64(parameters.partitions))
    files = try (0..<parameters.partitions).map { number in
      try PlainFile("\(trial.directory)/plain-\(number).dat", byteCount: each, trial.stop)
    }
  }

  package func bringCacheToState() throws {
    guard let trial else { return }
    let entries = files.compactMap { file in
      file.kernelFile.map {
        SentFiles.Entry(file: $0, path: file.path, byteCount: file.byteCount)
      }
    }
    try SentFiles(entries: entries, stop: trial.stop).bring(
      to: trial.parameters.cache, memory: trial.parameters.memory)
  }

  package func run(_ recorder: TrialRecorder) throws -> TrialCounts {
    guard let trial, let network, let calls else {
      return TrialCounts(records: nil, bytes: 0)
    }
    let parameters = trial.parameters
    let files = self.files
    let run = TransferRun(network: network, parameters: parameters, stop: trial.stop)
    let counts = try run.run(recorder) {
      try network.senders.enumerated().map { number, socket in
        let work = BareWork(
          file: files[number % files.count], socket: socket,
          callBytes: parameters.callBytes, total: parameters.share(ofConnection: number))
        return try Self.sender(calls, work)
      }
    }
    if recorder.isStopped { throw TrialStopped() }
    return counts
  }

  private static func sender(
    _ calls: TransferCapabilities.Calls, _ work: BareWork
  ) throws -> any ByteSender {
    switch calls {
    case .readAndSend: BareReadAndSend(work)
    case .sendfile: BareSendfile(work)
    case .splice: try BareSplice(work)
    case .sendFromMapping: BareMappedSend(work, isZeroCopy: false)
    case .zeroCopySendFromMapping: try BareMappedSend(zeroCopy: work)
    }
  }

  package func synchronize() throws {}

  package func finish() throws {
    network?.close()
    network = nil
    files = []
  }
}

/// A file of bytes that no device makes smaller, open for reading.
final class PlainFile: Sendable {
  let path: String
  let byteCount: Int64
  private let handle: FileHandle<LinuxFileIO>

  var kernelFile: KernelFile? { handle.io.kernelFile(handle.number) }

  init(_ path: String, byteCount: Int64, _ stop: StopFlag) throws {
    self.path = path
    self.byteCount = byteCount
    var random = SeededGenerator(seed: 1)
    var chunk = AlignedBuffer(capacity: 1 << 20)
    chunk.resize(to: 1 << 20)
    chunk.withMutableBytes { bytes in
      for index in stride(from: 0, to: 1 << 20, by: 8) {
        bytes.storeBytes(of: random.next(), toByteOffset: index, as: UInt64.self)
      }
    }
    handle = try FileHandle(
      LinuxFileIO(), path, FileOpening(.readWrite, creation: .mustBeNew))
    var position: Int64 = 0
    while position < byteCount {
      if stop.isRaised { throw TrialStopped() }
      let count = Int(min(Int64(chunk.count), byteCount - position))
      try handle.write(chunk.bytes.extracting(first: count), at: position)
      position += Int64(count)
    }
    try handle.synchronizeData()
  }

  func read(into bytes: inout MutableRawSpan, at position: Int64) throws(SystemCallError) -> Int {
    try handle.io.read(handle.number, into: &bytes, at: position)
  }
}
