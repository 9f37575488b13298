extension LogVerifier {
  package struct Report: Sendable {
    package internal(set) var segments = 0
    package internal(set) var batches: Int64 = 0
    package internal(set) var records: Int64 = 0
    package internal(set) var bytes: Int64 = 0
    /// True where a process had the data directory open.
    package internal(set) var isInUse = false
    /// What the next start cuts off, in bytes of which none is known to have been durable.
    package internal(set) var uncutBytes: Int64 = 0
    /// All of them, also those that have no line.
    package private(set) var problemCount = 0
    /// One line each: the file, the place, what was found; for each file the first `linesMax`.
    package private(set) var problems: [String] = []
    /// What is no problem, but worth knowing.
    package private(set) var remarks: [String] = []
    private var counts: [String: Int] = [:]

    package static let linesMax = 20

    package init() {}

    mutating func addProblem(_ path: String, _ text: String) {
      problemCount += 1
      counts[path, default: 0] += 1
      if counts[path, default: 0] <= Self.linesMax { problems.append("\(path): \(text)") }
    }

    mutating func addRemark(_ path: String, _ text: String) { remarks.append("\(path): \(text)") }

    /// Adds what was found in other files.
    mutating func add(_ other: Report) {
      segments += other.segments
      batches += other.batches
      records += other.records
      bytes += other.bytes
      uncutBytes += other.uncutBytes
      problemCount += other.problemCount
      problems += other.problems
      remarks += other.remarks
      counts.merge(other.counts) { $0 + $1 }
    }

    /// Files with more problems than lines, and how many more.
    package var unlisted: [(path: String, count: Int)] {
      counts.filter { $0.value > Self.linesMax }.map { ($0.key, $0.value - Self.linesMax) }
        .sorted { $0.path < $1.path }
    }
  }
}
