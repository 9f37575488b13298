import Foundation
import Histogram

/// Makes a file in HDR's log format 1.3, which HdrHistogram's tools read: a line of text for each
/// interval and tag, whose last field is the whole histogram.
///
/// ```
/// #[Histogram log format version 1.3]
/// #[StartTime: 1700000000.000 (seconds since epoch), 2023-11-14T22:13:20Z]
/// "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
/// Tag=response,0.000,1.000,1.234,HISTFAAAAC94nJNp…
/// ```
///
/// Values are taken to be nanoseconds: Interval_Max is in milliseconds. For use off the measured
/// path: a histogram costs a step for each of its slots and a compression.
package struct HDRLogWriter: Sendable {
  /// The file so far; whole after every call.
  package private(set) var bytes: [UInt8] = []

  /// Later times make no file that others read.
  private static let secondsMax = 1e12

  /// `startSeconds` is the time on the wall, in seconds since 1970, that all intervals count from.
  package init(startSeconds: Double) throws(HDREncodingError) {
    let start = try Self.text(startSeconds)
    let date = Date(timeIntervalSince1970: startSeconds).formatted(.iso8601)
    bytes += "#[Histogram log format version 1.3]\n".utf8
    bytes += "#[StartTime: \(start) (seconds since epoch), \(date)]\n".utf8
    bytes +=
      #""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#
      .utf8
    bytes += "\n".utf8
  }

  /// Adds an interval that began so many seconds after the start. What readers know of the greatest
  /// value is the slot in the histogram, and Interval_Max. After a throw the file is as it was.
  package mutating func add<Count>(
    tag: String?, startSeconds: Double, lengthSeconds: Double, _ histogram: Histogram<Count>
  ) throws(HDREncodingError) {
    var line = ""
    if let tag {
      let isTag = tag.unicodeScalars.allSatisfy {
        $0 != "," && !$0.properties.isWhitespace && $0.properties.generalCategory != .control
      }
      guard isTag && !tag.isEmpty else { throw .tag(tag) }
      line += "Tag=\(tag),"
    }
    let start = try Self.text(startSeconds)
    let length = try Self.text(lengthSeconds)
    let milliseconds = String(format: "%.3f", Double(histogram.maxRecorded) / 1e6)
    line += "\(start),\(length),\(milliseconds),"
    line += try HDRCompression.text(HDREncoding.encode(histogram))
    line += "\n"
    bytes += line.utf8
  }

  private static func text(_ seconds: Double) throws(HDREncodingError) -> String {
    guard seconds >= 0 && seconds <= secondsMax else { throw .seconds(seconds) }
    return String(format: "%.3f", seconds)
  }
}
