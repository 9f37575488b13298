/// Why a file of histograms cannot be read: where, what was found, what was expected.
package struct HDRLogError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    /// The line is neither a comment, nor the legend, nor a histogram that is taken here.
    case malformed(expected: String, found: String)
    /// The line has more bytes than any histogram needs.
    case lineTooLong(bytesMax: Int)
    /// The file has more histograms than are held at once.
    case tooManyHistograms(max: Int)
  }

  /// The file, as the reader was told.
  package let name: String
  /// From 1.
  package let line: Int
  package let reason: Reason

  package init(name: String, line: Int, _ reason: Reason) {
    self.name = name
    self.line = line
    self.reason = reason
  }

  package var description: String {
    switch reason {
    case .malformed(let expected, let found):
      "\(name):\(line): expected \(expected), found \(found)"
    case .lineTooLong(let bytesMax):
      "\(name):\(line): expected a line of at most \(bytesMax) bytes, found a longer one"
    case .tooManyHistograms(let max):
      "\(name):\(line): expected at most \(max) histograms, found more"
    }
  }
}

/// Why a histogram cannot be written.
package enum HDREncodingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The format's counts end at 2^63 - 1.
  case countTooLarge(value: UInt64)
  /// The format's tags hold no comma, white space or control character, and are not empty.
  case tag(String)
  /// Not a number of seconds from 0 to 10^12.
  case seconds(Double)
  /// zlib had no memory.
  case compression(String)

  package var description: String {
    switch self {
    case .countTooLarge(let value):
      "the count of value \(value) is above 2^63 - 1, which the HDR format does not hold"
    case .tag(let tag):
      "'\(tag)' is not a tag: expected characters other than commas, white space and controls"
    case .seconds(let seconds):
      "\(seconds) is not a time in a histogram log: expected seconds from 0 to 10^12"
    case .compression(let text):
      "zlib does not compress the histogram: \(text)"
    }
  }
}

/// A fault within an encoded histogram, before it is known which line that is.
struct HDRFault: Error, Hashable {
  let expected: String
  let found: String
}
