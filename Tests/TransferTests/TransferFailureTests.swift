import CommitLog
import Glibc
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing
import TransferPaths

extension TransferTests {
  /// Receivers that vanish, logs that change, and what a path leaves behind.
  @Suite("A transfer that goes wrong", .serialized)
  struct TransferFailureTests {
    @Test(
      "ends in an error when the receiver vanishes, and leaks nothing in 10,000 of them",
      .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
      arguments: PathUnderTest.allCases)
    func leaksNothing(_ kind: PathUnderTest) async {
      // What else the tests have open would be counted here.
      await #expect(processExitsWith: .success) { [kind] in
        let fixture = try TransferFixture(.buffered) { $0.segmentBytes = 4 << 20 }
        try fixture.fill(0..<120)
        let segment = try #require(try fixture.log.log().published.segments.first?.file)
        let slice = try segment.slice(at: .zero, count: 1 << 20)
        let resources = TransferResources()
        // The pool and the mapping come first.
        _ = try Self.vanish(kind, slice, resources, 0)
        let before = try OpenDescriptors()
        var failures = 0
        for round in 0..<10_000 { failures += try Self.vanish(kind, slice, resources, round) }
        #expect(failures == 10_000)
        let left = try OpenDescriptors().opened(since: before)
        #expect(left.isEmpty, "left open: \(left)")
      }
    }

    /// 1 where sending ended in the error that it should.
    private static func vanish(
      _ kind: PathUnderTest, _ slice: LogSlice, _ resources: TransferResources, _ round: Int
    ) throws -> Int {
      // TCP connections use up ports; where the path lets us, some of each.
      let family = kind.families.contains(.unix) && round % 20 != 0 ? .unix : kind.families[0]
      let connection = try Connection(family)
      let path = kind.make(resources)
      try path.prepare(connection.sender)
      var progress = TransferProgress()
      for _ in 0..<(round % 3) {
        let step = try path.send(
          slice, to: connection.sender, from: progress, bytesMax: 20_000 + round)
        progress = step.progress
      }
      if round % 2 == 0 { connection.receiver.reset() } else { connection.receiver.close() }
      do throws(TransferError) {
        // The kernel may hear late that the peer has gone, and take more until then.
        for _ in 0..<100_000 {
          let step = try path.send(slice, to: connection.sender, from: progress, bytesMax: 50_000)
          progress =
            step.progress.sentBytes == slice.count ? TransferProgress() : step.progress
        }
      } catch {
        guard case .connection(let reason) = error else { throw error }
        return reason.number.meansPeerIsGone ? 1 : 0
      }
      return 0
    }

    @Test("gives no connection what another left in a pipe")
    func pipesAreClean() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<6)
      let segment = try #require(try fixture.log.log().published.segments.first?.file)
      let slice = try segment.slice(at: .zero, count: 40_000)
      let resources = TransferResources()
      for _ in 0..<30 {
        do {
          let gone = try Connection(.unix)
          while try gone.sender.send([1, 2, 3].span.bytes, more: false) != nil {}
          let path = SplicePath(resources)
          let step = try path.send(slice, to: gone.sender, from: TransferProgress())
          #expect(step.isBlocked && step.progress.sentBytes == 0, "all of it waits in the pipe")
        }
        var connection = try Connection(.unix)
        try SplicePath(resources).sendAll(slice, over: &connection)
        try connection.takeAll(slice.count)
        #expect(connection.received == (try slice.allBytes()))
      }
    }

    @Test("is an error when the log was cut back, before others' bytes are sent")
    func truncation() throws {
      for kind in PathUnderTest.allCases {
        let fixture = try TransferFixture(.buffered)
        try fixture.fill(0..<6)
        let file = try #require(try fixture.log.log().published.segments.first?.file)
        let old = try file.slice(at: .zero, count: 40_000)
        let bytes = try old.allBytes()
        var connection = try Connection(.tcp, isTiny: true)
        let path = kind.make()
        try path.prepare(connection.sender)
        var progress = TransferProgress()
        while progress.sentBytes < 20_000 {
          progress = try path.send(
            old, to: connection.sender, from: progress, bytesMax: 2000
          ).progress
        }
        try connection.sender.push()
        try connection.takeAll(progress.sentBytes)
        // What the segment's owner does: says so, cuts, and writes something else.
        file.retract(to: FilePosition(1000))
        let handle = try FileHandle(LinuxFileIO(), file.path, FileOpening(.readWrite))
        try handle.truncate(to: 1000)
        try handle.write([UInt8](repeating: 9, count: 39_000).span.bytes, at: 1000)
        file.publish(end: FilePosition(40_000))
        #expect(throws: TransferError.truncated(path: file.path)) {
          try path.send(old, to: connection.sender, from: progress)
        }
        #expect(connection.received == Array(bytes[..<progress.sentBytes]))
        // The same path, asked for the new bytes at the old place, sends those.
        connection = try Connection(.tcp)
        try path.prepare(connection.sender)
        let new = try file.slice(at: FilePosition(Int64(progress.sentBytes)), count: 500)
        try path.sendAll(new, over: &connection)
        try connection.takeAll(500)
        #expect(connection.received == [UInt8](repeating: 9, count: 500), "\(kind)")
      }
    }

    @Test(
      "delivers what retention deleted and recycling would have written over",
      .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
      arguments: PathUnderTest.allCases.flatMap { path in
        BackendUnderTest.allCases.filter { $0.preallocations.contains(.recycle) }
          .map { (path, $0) }
      }, [false, true])
    func recycling(
      _ kinds: (path: PathUnderTest, backend: BackendUnderTest), _ isReopened: Bool
    ) throws {
      let (kind, backend) = kinds
      let fixture = try TransferFixture(backend) {
        $0.preallocation = .recycle
        $0.retentionBytes = 1
      }
      try fixture.fill(0..<10)
      var connection = try Connection(.tcp)
      let path = kind.make()
      try path.prepare(connection.sender)
      var expected: [UInt8] = []
      do {
        let first = try #require(try fixture.log.log().published.segments.first?.file)
        let slice = try first.slice(at: .zero, count: 60_000)
        expected = try slice.allBytes()
        try path.sendAll(slice, over: &connection)
      }
      // All is with the kernel, nobody has the file open, and nothing has been read yet. Another
      // process would not even know.
      let isUnread = connection.received.isEmpty
      if isReopened { try fixture.log.reopen() }
      for number in 10..<40 {
        try fixture.fill(number..<(number + 1))
        _ = try fixture.log.directory.applyRetention(fixture.log.now)
      }
      try connection.takeAll(expected.count)
      #expect(isUnread && connection.received == expected)
    }

    @Test("is not disturbed by an append that did not fit", .enabled(if: Tmpfs.isAvailable))
    func fullDisk() throws {
      let disk = try #require(Tmpfs(mebibytes: 1))
      for kind in PathUnderTest.allCases {
        let log = try LogFixture(
          .buffered, io: LinuxFileIO(), path: "\(disk.path)"
        ) { $0.segmentBytes = 4 << 20 }
        while true {
          let next = Int(try log.log().nextOffset.rawValue)
          do throws(LogError) { try log.append(next, valueBytes: 9000) } catch { break }
        }
        let file = try #require(try log.log().published.segments.last?.file)
        let slice = try file.slice(at: .zero, count: .max / 2)
        var connection = try Connection(.tcp)
        let path = kind.make()
        try path.prepare(connection.sender)
        var progress = TransferProgress()
        while progress.sentBytes < slice.count {
          let step = try path.send(
            slice, to: connection.sender, from: progress, bytesMax: 100_000)
          progress = step.progress
          // Fails, and is cut off again.
          #expect(throws: LogError.self) { try log.append(0, valueBytes: 9000) }
          if step.isBlocked { try connection.take() }
        }
        try connection.takeAll(slice.count)
        #expect(connection.received == (try slice.allBytes()), "\(kind)")
      }
    }

    @Test("says that a Unix socket is no place for MSG_ZEROCOPY")
    func zeroCopyNeedsTCP() throws {
      let connection = try Connection(.unix)
      #expect(throws: TransferError.self) {
        try ZeroCopySendPath(TransferResources()).prepare(connection.sender)
      }
    }

    @Test("counts the sends that loopback copies after all")
    func countsCopies() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<10)
      var connection = try Connection(.tcp)
      let path = ZeroCopySendPath(TransferResources())
      try path.prepare(connection.sender)
      var stream = LogStream(try fixture.log.log().published)
      var count = 0
      while let slice = try stream.next(bytesMax: 50_000) {
        try path.sendAll(slice, over: &connection, bytesMax: 10_000)
        count += slice.count
      }
      try connection.takeAll(count)
      let poll = try EventPoll()
      try poll.add(connection.sender, [], tag: 0)
      while path.zeroCopyCounts.awaited > 0 {
        try path.reap(connection.sender)
        if path.zeroCopyCounts.awaited > 0 { try poll.wait(milliseconds: 1000) { _, _ in } }
      }
      #expect(path.zeroCopyCounts.sends >= count / 10_000)
      #expect(path.zeroCopyCounts.copied == path.zeroCopyCounts.sends)
    }
  }
}
