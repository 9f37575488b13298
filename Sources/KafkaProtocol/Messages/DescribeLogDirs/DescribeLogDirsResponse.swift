/// The data directories, and the partitions in them.
package struct DescribeLogDirsResponse: WireMessage {
  package static var flexibleSince: Int16 { 2 }

  package var throttleTimeMs: Int32 = 0
  package var errorCode: Int16 = 0
  package var results: [DescribeLogDirsResult] = []

  package init() {}

  package init(
    throttleTimeMs: Int32 = 0, errorCode: Int16 = 0, results: [DescribeLogDirsResult] = []
  ) {
    self.throttleTimeMs = throttleTimeMs
    self.errorCode = errorCode
    self.results = results
  }

  package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
    try coder.int32(&throttleTimeMs)
    if coder.version >= 3 { try coder.int16(&errorCode) }
    try coder.array(&results)
    try coder.endOfStruct()
  }
}

extension DescribeLogDirsResponse {
  /// A data directory.
  package struct DescribeLogDirsResult: WireStruct {
    package var errorCode: Int16 = 0
    package var logDir: String = ""
    package var topics: [DescribeLogDirsTopic] = []
    /// The file system's size, -1 where it is not known. Since version 4.
    package var totalBytes: Int64 = -1
    /// What is left of it, -1 where it is not known. Since version 4.
    package var usableBytes: Int64 = -1

    package init() {}

    package init(
      errorCode: Int16 = 0, logDir: String = "", topics: [DescribeLogDirsTopic] = [],
      totalBytes: Int64 = -1, usableBytes: Int64 = -1
    ) {
      self.errorCode = errorCode
      self.logDir = logDir
      self.topics = topics
      self.totalBytes = totalBytes
      self.usableBytes = usableBytes
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int16(&errorCode)
      try coder.string(&logDir)
      try coder.array(&topics)
      if coder.version >= 4 {
        try coder.int64(&totalBytes)
        try coder.int64(&usableBytes)
      }
      try coder.endOfStruct()
    }
  }

  /// One topic's partitions in a data directory.
  package struct DescribeLogDirsTopic: WireStruct {
    package var name: String = ""
    package var partitions: [DescribeLogDirsPartition] = []

    package init() {}

    package init(name: String = "", partitions: [DescribeLogDirsPartition] = []) {
      self.name = name
      self.partitions = partitions
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.string(&name)
      try coder.array(&partitions)
      try coder.endOfStruct()
    }
  }

  /// A partition in a data directory.
  package struct DescribeLogDirsPartition: WireStruct {
    package var partitionIndex: Int32 = 0
    /// In bytes.
    package var partitionSize: Int64 = 0
    /// The offsets from this log's end to the high watermark.
    package var offsetLag: Int64 = 0
    package var isFutureKey: Bool = false

    package init() {}

    package init(
      partitionIndex: Int32 = 0, partitionSize: Int64 = 0, offsetLag: Int64 = 0,
      isFutureKey: Bool = false
    ) {
      self.partitionIndex = partitionIndex
      self.partitionSize = partitionSize
      self.offsetLag = offsetLag
      self.isFutureKey = isFutureKey
    }

    package mutating func fields(_ coder: inout some FieldCoder) throws(WireError) {
      try coder.int32(&partitionIndex)
      try coder.int64(&partitionSize)
      try coder.int64(&offsetLag)
      try coder.bool(&isFutureKey)
      try coder.endOfStruct()
    }
  }
}
