import CLinux
import Foundation
import LinuxIO

/// An encoded histogram as a line of a log holds it: compressed by zlib behind a header of its own,
/// in base64. Integers are big-endian.
///
/// ```
/// 0        4        8
/// +--------+--------+---------------------
/// | cookie | length | a zlib stream of an
/// | ...314 | stream | `HDREncoding`
/// +--------+--------+---------------------
/// ```
enum HDRCompression {
  static let cookie: UInt32 = 0x1c84_9304 | 0x10
  static let headerBytes = 8

  /// More base64 than this is no histogram that `text` made of `HDREncoding.bytesMax` bytes.
  static let textBytesMax = (headerBytes + clinux_zlib_bound(HDREncoding.bytesMax)) / 3 * 4 + 8

  static func text(_ encoding: [UInt8]) throws(HDREncodingError) -> String {
    let stream = try compressed(encoding)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headerBytes + stream.count)
    bytes.append(bigEndian: cookie)
    bytes.append(bigEndian: UInt32(truncatingIfNeeded: stream.count))
    bytes += stream
    return Data(bytes).base64EncodedString()
  }

  /// The bytes that `text` was made of; makes at most `HDREncoding.bytesMax`, whatever is in it.
  static func encoding(_ text: ArraySlice<UInt8>) throws(HDRFault) -> [UInt8] {
    guard let data = Data(base64Encoded: Data(text)) else {
      throw HDRFault(expected: "a histogram in base64", found: HDRLogReader.quoted(text))
    }
    let bytes = [UInt8](data)
    guard bytes.count >= headerBytes else {
      throw HDRFault(
        expected: "a compressed histogram's header of \(headerBytes) bytes",
        found: "\(bytes.count) bytes")
    }
    var cursor = HDRCursor(bytes.span)
    let length = bytes.count - headerBytes
    try cursor.expect(UInt64(cookie), 4, "compressed V2's cookie, \(cookie)")
    try cursor.expect(UInt64(length), 4, "\(length) compressed bytes")
    return try uncompressed(bytes[headerBytes...])
  }

  private static func compressed(_ bytes: [UInt8]) throws(HDREncodingError) -> [UInt8] {
    let capacity = clinux_zlib_bound(bytes.count)
    var made = 0
    let stream = [UInt8](unsafeUninitializedCapacity: capacity) { out, count in
      // SAFETY: both are valid for their counts; zlib says how many bytes it initialized.
      made = bytes.withUnsafeBytes {
        clinux_zlib_compress($0.baseAddress, $0.count, out.baseAddress, out.count)
      }
      count = max(made, 0)
    }
    guard made >= 0 else { throw .compression(zlibText(made)) }
    return stream
  }

  private static func uncompressed(_ stream: ArraySlice<UInt8>) throws(HDRFault) -> [UInt8] {
    var made = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: HDREncoding.bytesMax) { out, count in
      // SAFETY: as above; zlib stops at the capacity.
      made = stream.withUnsafeBytes {
        clinux_zlib_uncompress($0.baseAddress, $0.count, out.baseAddress, HDREncoding.bytesMax)
      }
      count = max(made, 0)
    }
    guard made >= 0 else {
      throw HDRFault(
        expected: "a zlib stream of at most \(HDREncoding.bytesMax) bytes", found: zlibText(made))
    }
    return bytes
  }

  private static func zlibText(_ result: Int) -> String {
    switch ErrorNumber(rawValue: Int32(truncatingIfNeeded: -result)) {
    case .noBuffers: "one that goes on"
    case .noMemory: "no memory for it"
    default: "something else"
    }
  }
}
