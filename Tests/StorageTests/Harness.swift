import LinuxIO
import LogStorage
import Records
import TestSupport
import Testing

/// One open segment and what it should hold.
struct Harness {
  let backend: any AnyStorageBackend
  let place: DiskUnderTest.Place
  let file: SegmentFile
  private(set) var segment: SegmentID
  var expected: [UInt8] = []

  private let preallocation: Preallocation?

  init(
    _ kind: BackendUnderTest, _ disk: DiskUnderTest, _ preallocation: Preallocation? = nil
  ) throws {
    let place = disk.make()
    try self.init(
      kind, place, Self.makeFile(place, base: 0),
      SegmentOptions(
        position: .zero, origin: .new, preallocation: preallocation, sizeMax: 64 << 20))
  }

  init(
    _ kind: BackendUnderTest, _ place: DiskUnderTest.Place, _ file: SegmentFile,
    _ options: SegmentOptions
  ) throws {
    self.place = place
    self.file = file
    preallocation = options.preallocation
    backend = try kind.make(any: place.io)
    segment = try backend.open(file, options)
  }

  func makeFile(base: Int64) -> SegmentFile { Self.makeFile(place, base: base) }

  private static func makeFile(_ place: DiskUnderTest.Place, base: Int64) -> SegmentFile {
    SegmentFile(
      baseOffset: Offset(base), path: "\(place.path)/0000000000000000000\(base).log",
      io: place.io, end: .zero)
  }

  mutating func reopen(at position: Int) throws {
    segment = try backend.open(
      file,
      SegmentOptions(
        position: FilePosition(Int64(position)), origin: .existing, preallocation: preallocation,
        sizeMax: 64 << 20))
    file.publish(end: FilePosition(Int64(position)))
  }

  /// Appends, waits for the completion, and publishes the new end as the log would.
  mutating func append(_ bytes: [UInt8], placed: Bool) throws {
    let shift = placed ? backend.placement(of: segment) : 17
    let position = FilePosition(Int64(expected.count))
    let result = wait(backend.append(.holding(bytes, shiftedBy: shift), to: segment), bytes)
    #expect(try result.get() == position)
    expected += bytes
    file.publish(end: FilePosition(Int64(expected.count)))
  }

  /// The failure of an append that fails; nil where it succeeds.
  func tryAppend(_ bytes: [UInt8]) -> StorageError? {
    switch wait(backend.append(.holding(bytes), to: segment), bytes) {
    case .success: nil
    case .failure(let error): error
    }
  }

  private func wait(
    _ submission: consuming Submission, _ bytes: [UInt8]
  ) -> Result<FilePosition, StorageError> {
    switch consume submission {
    case .completed(let completion):
      let isSame = Self.holds(completion.buffer.bytes, bytes)
      #expect(isSame, "the buffer comes back as it was")
      return completion.result
    case .busy:
      Issue.record("busy with nothing queued")
      return .failure(.fenced(path: ""))
    case .queued(let ticket):
      var found: Result<FilePosition, StorageError>?
      while found == nil {
        do {
          _ = try backend.reap(waiting: true) { completion in
            guard case .append(let append) = consume completion else { return }
            let isSame = append.ticket == ticket && Self.holds(append.buffer.bytes, bytes)
            found = append.result
            #expect(isSame, "the buffer comes back as it was, with its ticket")
          }
        } catch { return .failure(error) }
      }
      return found ?? .failure(.fenced(path: ""))
    }
  }

  private static func holds(_ span: RawSpan, _ bytes: [UInt8]) -> Bool {
    span.withUnsafeBytes { $0.elementsEqual(bytes) }
  }

  func reapFlushes(_ count: Int) throws -> [FlushCompletion] {
    var found: [FlushCompletion] = []
    while found.count < count {
      _ = try backend.reap(waiting: true) { completion in
        if case .flush(let flush) = consume completion { found.append(flush) }
      }
    }
    return found
  }

  func read(_ position: Int, _ count: Int) throws -> [UInt8] {
    try file.slice(at: FilePosition(Int64(position)), count: count).allBytes()
  }
}
