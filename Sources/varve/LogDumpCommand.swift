import ArgumentParser
import CommitLog
import LinuxIO
import LogStorage
import Records

/// `varve log dump SEGMENT`
struct LogDumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Print a segment's batches and records.",
    discussion: """
      As text, a line for each batch and an indented line for each record. With --json, one object \
      a line for each record: offset, timestamp, key, value, headers; bytes that are no UTF-8 are \
      base64, under key_base64 and value_base64.

      Example: varve log dump ./data/events-0/00000000000000000000.log --json
      """)

  @Argument(help: "A .log file.")
  var segment: String

  @Flag(help: "One JSON object a line for each record.")
  var json = false

  func validate() throws { try expectText("<segment>", segment, "a segment's path") }

  func run() throws {
    do {
      let io = LinuxFileIO()
      try checkSegmentFile(segment)
      let size = try io.size(ofFileAt: segment) ?? 0
      let file = SegmentFile(
        baseOffset: .zero, path: segment, io: io, end: FilePosition(size))
      var dumper = SegmentDumper(file: file, isJSON: json)
      try dumper.run()
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw CommandFailure.failed("\(error)")
    }
  }
}

/// Walks one segment and prints it.
private struct SegmentDumper {
  let file: SegmentFile
  let isJSON: Bool
  private var output = OutputBuffer()
  private var batches = 0
  private var records = 0
  /// Records of compressed batches, which are not opened.
  private var unopened: Int64 = 0

  init(file: SegmentFile, isJSON: Bool) {
    self.file = file
    self.isJSON = isJSON
  }

  mutating func run() throws {
    var scanner = try BatchScanner(file)
    var fault: String?
    while fault == nil, case .success(let header) = try scanner.header() {
      if let error = try scanner.checksumFault(header) {
        fault = "\(error)"
        break
      }
      let position = scanner.position
      let result = try scanner.withBatch(header) { batch throws(BatchError) in
        try print(batch, at: position)
      }
      switch result {
      case .success: break
      case .failure(.batch(let error)), .failure(.failure(let error)): fault = "\(error)"
      }
      batches += 1
      if StandardStream.output.loss != nil { throw ExitCode.failure }
      if fault == nil { scanner.skip(header) }
    }
    output.flush()
    if fault == nil {
      switch try scanner.stop() {
      case .end: break
      case .zeros where try scanner.isZeroToEnd(): break
      case let stop: fault = "\(stop)"
      }
    }
    if let fault {
      throw CommandFailure.failed(
        "\(file.path): byte \(scanner.position), after \(records) records: \(fault)")
    }
    if isJSON && unopened > 0 {
      throw CommandFailure.failed(
        "\(file.path): \(unopened) records are compressed and were left out; \(records) were printed"
      )
    }
    if !isJSON { printLine("\(batches) batches, \(records) records in \(file.path)") }
  }

  private mutating func print(
    _ batch: RecordBatchView, at position: FilePosition
  ) throws(BatchError) {
    let header = batch.header
    if !isJSON { output.add(DumpText.line(of: header, at: position)) }
    let codec = header.attributes.compression
    if codec != .none {
      unopened += Int64(header.recordCount)
      if isJSON {
        output.flush()
        writeError(
          "varve: \(file.path): byte \(position): \(header.recordCount) records from offset "
            + "\(header.baseOffset) are compressed with \(codec), and are not opened")
      }
      return
    }
    var cursor = try batch.records()
    while let record = try cursor.next() {
      records += 1
      let owned = Record(copying: record)
      output.add(
        isJSON
          ? DumpText.json(of: owned, at: record.offset)
          : DumpText.line(of: owned, at: record.offset))
    }
  }
}

/// Standard output in pieces of some size.
private struct OutputBuffer {
  private var text = ""

  mutating func add(_ line: String) {
    text += line
    text += "\n"
    if text.utf8.count > 1 << 16 { flush() }
  }

  mutating func flush() {
    StandardStream.output.write(text)
    text = ""
  }
}
