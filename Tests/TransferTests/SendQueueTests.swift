import CommitLog
import LinuxIO
import LogStorage
import Records
import TestSupport
import Testing
import TransferPaths

extension TransferTests {
  /// What goes out over a broker's connection.
  @Suite("A send queue", .serialized)
  struct SendQueueTests {
    private static let types = Dictionary(
      uniqueKeysWithValues: PathUnderTest.allCases.map { ($0.rawValue, $0.type) })

    private func queue(avoidsDisk: Bool = false, callBytesMax: Int = 1 << 20) -> SendQueue {
      SendQueue(
        TransferResources(), Self.types, callBytesMax: callBytesMax, avoidsDisk: avoidsDisk)
    }

    @Test func `sends bytes and slices in their order, whatever path each slice goes by`() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<20)
      var random = SeededGenerator(seed: 3)
      var connection = try Connection(.tcp, isTiny: true)
      let queue = queue(callBytesMax: 10_000)
      var stream = LogStream(try fixture.log.log().published)
      var expected: [UInt8] = []
      // "unknown" is what a newer program set: it is served by a copy.
      let paths = PathUnderTest.allCases.map(\.rawValue) + ["unknown"]
      while let slice = try stream.next(bytesMax: 1 + random.below(60_000)) {
        let header = (0..<random.below(300)).map { UInt8(truncatingIfNeeded: $0) }
        queue.add(header)
        queue.add(slice, by: paths[random.below(paths.count)])
        expected += header + (try slice.allBytes())
      }
      while !queue.isEmpty {
        if case .blocked = try queue.step(to: connection.sender) {
          try connection.take(upTo: 1 + random.below(60_000))
        }
      }
      #expect(queue.queuedBytes == 0)
      try connection.takeAll(expected.count)
      #expect(connection.received == expected)
    }

    @Test func `serves every path by a copy where the channel takes only bytes`() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<10)
      for path in PathUnderTest.allCases {
        var connection = try Connection(.tcp, isTiny: true)
        let channel = ScramblingChannel(over: connection.sender)
        let queue = queue(callBytesMax: 10_000)
        try queue.prepare(channel, for: path.rawValue)
        var stream = LogStream(try fixture.log.log().published)
        while let slice = try stream.next(bytesMax: 30_000) {
          queue.add([1, 2])
          queue.add(slice, by: path.rawValue)
        }
        while !queue.isEmpty {
          if case .blocked = try queue.step(to: channel) { try connection.take() }
        }
        let slices = LogStream(try fixture.log.log().published)
        var expected: [UInt8] = []
        var rest = slices
        while let slice = try rest.next(bytesMax: 30_000) {
          expected += [1, 2] + (try slice.allBytes())
        }
        try connection.takeAll(expected.count)
        #expect(connection.received.map { ScramblingChannel.scrambled($0) } == expected, "\(path)")
      }
    }

    @Test func `a path that needs a socket says so where the channel takes only bytes`() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<1)
      var stream = LogStream(try fixture.log.log().published)
      let slice = try #require(try stream.next(bytesMax: 1000))
      let connection = try Connection(.tcp)
      let channel = ScramblingChannel(over: connection.sender)
      for kind in PathUnderTest.allCases where kind.capabilities.needs != .anyChannel {
        #expect(throws: TransferError.self, "\(kind)") {
          try kind.make().send(slice, to: channel, from: TransferProgress())
        }
      }
    }

    @Test func `puts small responses together, and takes no slice into memory`() throws {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<5)
      let queue = queue()
      for _ in 0..<100 { queue.add([1, 2, 3]) }
      #expect(queue.pieceCount == 1)
      var stream = LogStream(try fixture.log.log().published)
      queue.add(try #require(try stream.next(bytesMax: 50_000)), by: "copy")
      queue.add([4])
      #expect(queue.pieceCount == 3)
      #expect(queue.queuedBytes == 301)
    }

    @Test func `asks for what is not in the page cache, where it may not wait for the disk`() throws
    {
      let fixture = try TransferFixture(.buffered)
      try fixture.fill(0..<20)
      var stream = LogStream(try fixture.log.log().published)
      let slice = try #require(try stream.next(bytesMax: 50_000))
      let file = try #require(slice.file.kernelFile)
      try #require(
        try file.evict(first: slice.fileRange.upperBound), "the page cache kept the file")
      var connection = try Connection(.tcp)
      let queue = queue(avoidsDisk: true)
      queue.add(slice, by: "sendfile")
      guard case .cold(_, let range) = try queue.step(to: connection.sender) else {
        Issue.record("the slice was sent without a look at the page cache")
        return
      }
      #expect(range == slice.fileRange)
      queue.setWarm(upTo: range.upperBound)
      while !queue.isEmpty { _ = try queue.step(to: connection.sender) }
      try connection.takeAll(slice.count)
      #expect(connection.received == (try slice.allBytes()))
    }
  }
}
