import CommitLog
import LinuxIO
import LogStorage
import Records
import SimulatedStorage
import TestSupport
import Testing
import TransferPaths

extension TransferTests {
  /// What every path must do, over every backend. A new path passes this by its line in
  /// `ShippedPaths`.
  @Suite("Every transfer path", .serialized)
  struct PathConformanceTests {
    static let everywhere = PathUnderTest.allCases.flatMap { path in
      BackendUnderTest.allCases.map { (path, $0) }
    }

    @Test("delivers a log byte for byte, in calls and reads of any size", arguments: everywhere)
    func delivers(_ kind: PathUnderTest, _ backend: BackendUnderTest) throws {
      let fixture = try TransferFixture(backend)
      try fixture.fill(0..<40)
      var random = SeededGenerator(seed: 5)
      for family in kind.families {
        var connection = try Connection(family)
        let sent = try fixture.stream(kind, &connection, &random, bytesMax: 200_000)
        try connection.takeAll(sent.count)
        #expect(connection.received == sent)
        #expect(sent.count == (try fixture.logBytes().count))
      }
    }

    @Test("resumes anywhere when the socket takes little", arguments: everywhere)
    func resumes(_ kind: PathUnderTest, _ backend: BackendUnderTest) throws {
      let fixture = try TransferFixture(backend)
      try fixture.fill(0..<10)
      var random = SeededGenerator(seed: 6)
      for family in kind.families {
        var connection = try Connection(family, isTiny: true)
        let sent = try fixture.stream(kind, &connection, &random, bytesMax: 100_000)
        try connection.takeAll(sent.count)
        #expect(connection.received == sent)
      }
    }

    @Test(
      "follows a log that grows, rolls and loses its oldest segments",
      .enabled(if: TestBuild.isOptimized, "runs long: in release builds"), arguments: everywhere)
    func follows(_ kind: PathUnderTest, _ backend: BackendUnderTest) throws {
      let fixture = try TransferFixture(backend) { $0.retentionBytes = 60_000 }
      try fixture.fill(0..<3)
      var random = SeededGenerator(seed: 8)
      var connection = try Connection(.tcp)
      let path = kind.make()
      try path.prepare(connection.sender)
      var stream = LogStream(try fixture.log.log().published)
      var expected: [UInt8] = []
      var appended = 3
      while true {
        guard let slice = try stream.next(bytesMax: 1 + random.below(60_000)) else {
          if appended >= 60 { break }
          try fixture.fill(appended..<(appended + 3))
          appended += 3
          continue
        }
        expected += try slice.allBytes()
        var progress = TransferProgress()
        while progress.sentBytes < slice.count {
          // The segment may be sealed and deleted while some of the slice is on its way.
          if appended < 60, random.chance(0.2) {
            try fixture.fill(appended..<(appended + 1))
            appended += 1
            _ = try fixture.log.directory.applyRetention(fixture.log.now)
          }
          let step = try path.send(
            slice, to: connection.sender, from: progress, bytesMax: 1 + random.below(30_000))
          progress = step.progress
          if step.isBlocked || random.chance(0.3) { try connection.take(upTo: 20_000) }
        }
      }
      try connection.takeAll(expected.count)
      #expect(connection.received == expected)
      let log = try fixture.log.log().published
      #expect(log.startOffset > .zero && log.segments.count > 1)
    }

    @Test("goes on from a progress that another path left", arguments: PathUnderTest.allCases)
    func progressIsAValue(_ kind: PathUnderTest) throws {
      let fixture = try TransferFixture(.direct)
      try fixture.fill(0..<6)
      let resources = TransferResources()
      var random = SeededGenerator(seed: 9)
      var connection = try Connection(.tcp, isTiny: true)
      let expected = try fixture.logBytes()
      var stream = LogStream(try fixture.log.log().published)
      while let slice = try stream.next(bytesMax: 100_000) {
        var progress = TransferProgress()
        while progress.sentBytes < slice.count {
          // One call each, and what the one before had read ahead is not for the next.
          let kinds = [kind, .copy, .splice, .sendfile]
          let path = kinds[random.below(kinds.count)].make(resources)
          try path.prepare(connection.sender)
          let step = try path.send(
            slice, to: connection.sender, from: progress, bytesMax: 1 + random.below(90_000))
          progress = step.progress
          if step.isBlocked { try connection.take(upTo: 5000) }
        }
      }
      try connection.takeAll(expected.count)
      #expect(connection.received == expected)
    }

    @Test("sends other bytes after one that was abandoned", arguments: PathUnderTest.allCases)
    func abandons(_ kind: PathUnderTest) throws {
      let fixture = try TransferFixture(.direct)
      try fixture.fill(0..<6)
      let resources = TransferResources()
      let segment = try #require(try fixture.log.log().published.segments.first?.file)
      for round in 0..<50 {
        var connection = try Connection(.tcp, isTiny: true)
        let path = kind.make(resources)
        try path.prepare(connection.sender)
        let first = try segment.slice(at: FilePosition(Int64(round)), count: 30_000)
        var progress = TransferProgress()
        for _ in 0..<3 {
          progress = try path.send(first, to: connection.sender, from: progress).progress
        }
        let before = Array(try first.allBytes()[..<progress.sentBytes])
        path.abandon()
        let second = try segment.slice(at: FilePosition(5000), count: 10_000)
        try path.sendAll(second, over: &connection)
        let expected = before + (try second.allBytes())
        try connection.takeAll(expected.count)
        #expect(connection.received == expected)
      }
    }

    @Test("sends header and body in one packet", arguments: PathUnderTest.allCases)
    func fillsPackets(_ kind: PathUnderTest) throws {
      // Direct: the slice ends in a piece of memory.
      let fixture = try TransferFixture(.direct) { $0.segmentBytes = 1 << 20 }
      try fixture.fill(0..<4)
      let segment = try #require(try fixture.log.log().published.segments.last?.file)
      // Loopback's packets are as large as half of the receiver's first window.
      let start = segment.end.rawValue - 20_000
      let slice = try segment.slice(at: FilePosition(start), count: 20_000)
      #expect(!slice.memory.isEmpty && !slice.fileRange.isEmpty && slice.count == 20_000)
      let header = [UInt8](repeating: 1, count: 30)
      for bytesMax in [1 << 20, 700] {
        var connection = try Connection(.tcp)
        let path = kind.make()
        try path.prepare(connection.sender)
        let before = try #require(connection.sender.dataSegmentsOut)
        #expect(try connection.sender.send(header.span.bytes, more: true) == header.count)
        try path.sendAll(slice, over: &connection, bytesMax: bytesMax)
        try connection.takeAll(header.count + slice.count)
        #expect(connection.received == header + (try slice.allBytes()))
        #expect(connection.sender.dataSegmentsOut == before + 1)
      }
    }

    @Test("leaves no cork behind", arguments: PathUnderTest.allCases)
    func leavesNoCork(_ kind: PathUnderTest) throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<6)
      let segment = try #require(try fixture.log.log().published.segments.first?.file)
      let slice = try segment.slice(at: .zero, count: 5000)
      let path = kind.make()
      // Whatever ends the message: plain bytes, or a part with nothing in it.
      for last in [[UInt8](repeating: 1, count: 30), []] {
        var connection = try Connection(.tcp)
        try path.prepare(connection.sender)
        try path.sendAll(slice, over: &connection, more: true)
        if last.isEmpty {
          let empty = try segment.slice(at: .zero, count: 0)
          _ = try path.send(empty, to: connection.sender, from: TransferProgress())
        } else {
          #expect(try connection.sender.send(last.span.bytes, more: false) == last.count)
        }
        // Nothing of it waits for a timer.
        #expect(try connection.take(upTo: 10_000) == 5000 + last.count)
      }
    }

    @Test("says so where the file is not the kernel's", arguments: PathUnderTest.allCases)
    func refusesSimulatedFiles(_ kind: PathUnderTest) throws {
      let fixture = try TransferFixture(.buffered, .simulated)
      try fixture.fill(0..<2)
      var connection = try Connection(.tcp)
      let segment = try #require(try fixture.log.log().published.segments.first?.file)
      let slice = try segment.slice(at: .zero, count: 1000)
      let path = kind.make()
      try path.prepare(connection.sender)
      if kind.capabilities.calls == .readAndSend {
        try path.sendAll(slice, over: &connection)
        try connection.takeAll(1000)
        #expect(connection.received == (try slice.allBytes()))
      } else {
        #expect(throws: TransferError.unsupportedFile(path: segment.path)) {
          try path.send(slice, to: connection.sender, from: TransferProgress())
        }
      }
    }
  }
}
