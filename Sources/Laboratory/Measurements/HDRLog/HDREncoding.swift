import Histogram

/// A histogram's bytes in HDR's V2 encoding, before compression. Integers are big-endian.
///
/// ```
/// 0        4        8        12       16               24               32               40
/// +--------+--------+--------+--------+----------------+----------------+----------------+------
/// | cookie | length | offset | digits | lowest         | highest        | ratio (double) | counts
/// | ...313 | counts | 0      |        | discernible    | trackable      | 1.0            |
/// +--------+--------+--------+--------+----------------+----------------+----------------+------
/// ```
///
/// Counts are those of the slots from 0 on, in order of their values, up to the last that is not
/// 0, each a `ZigZag`; a negative number stands for that many slots with a count of 0.
enum HDREncoding {
  static let cookie: UInt32 = 0x1c84_9303 | 0x10
  static let headerBytes = 40

  /// As many as a histogram of `TrialRecorder.emptyTimes` has: 2,048 slots one wide, then 1,024 for
  /// each doubling up to 2^42.
  static let slotsMax = 33 * 1024
  /// The longest encoding that `decode` takes.
  static let bytesMax = headerBytes + slotsMax * ZigZag.bytesMax

  /// The encoding of any histogram whose counts are below 2^63. Costs a step for each slot up to
  /// that of the greatest value.
  static func encode<Count>(_ histogram: Histogram<Count>) throws(HDREncodingError) -> [UInt8] {
    let counts = try encodedCounts(histogram)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headerBytes + counts.count)
    bytes.append(bigEndian: cookie)
    bytes.append(bigEndian: UInt32(truncatingIfNeeded: counts.count))
    bytes.append(bigEndian: UInt32(0))
    bytes.append(bigEndian: UInt32(histogram.numberOfSignificantValueDigits.rawValue))
    bytes.append(bigEndian: histogram.lowestDiscernibleValue)
    bytes.append(bigEndian: histogram.highestTrackableValue)
    bytes.append(bigEndian: (1.0).bitPattern)
    bytes += counts
    return bytes
  }

  /// By the histogram's own `countForValue`: its iterators sum up values, and trap where the sum
  /// does not fit.
  private static func encodedCounts<Count>(
    _ histogram: Histogram<Count>
  ) throws(HDREncodingError) -> [UInt8] {
    var bytes: [UInt8] = []
    let last = histogram.maxRecorded
    var value: UInt64 = 0
    var zeros: Int64 = 0
    while true {
      let count = histogram.countForValue(value)
      if count == 0 {
        zeros += 1
      } else {
        guard let number = Int64(exactly: count) else { throw .countTooLarge(value: value) }
        appendZeros(zeros, to: &bytes)
        zeros = 0
        ZigZag.append(number, to: &bytes)
      }
      let next = value.addingReportingOverflow(histogram.sizeOfEquivalentRangeForValue(value))
      if next.overflow || next.partialValue > last { break }
      value = next.partialValue
    }
    appendZeros(zeros, to: &bytes)
    return bytes
  }

  private static func appendZeros(_ count: Int64, to bytes: inout [UInt8]) {
    if count == 1 { ZigZag.append(0, to: &bytes) }
    if count > 1 { ZigZag.append(-count, to: &bytes) }
  }

  /// A histogram of `TrialRecorder.emptyTimes` with these counts: it can be added to any other such.
  ///
  /// Refused are, beside what does not hold together: other lowest values and digits, values too
  /// long for a trial's times, counts above 2^32 - 1, and values whose sum is above 2^64 - 1, which
  /// the histogram's mean and iterators would trap on. The greatest value and the least are known
  /// to the slot only: they become the slots' greatest and least.
  static func decode(_ bytes: Span<UInt8>) throws(HDRFault) -> TrialRecorder.Times {
    var cursor = HDRCursor(bytes)
    try checkHeader(&cursor, bytes.count)
    var times = TrialRecorder.emptyTimes()
    var slot = 0
    var sum: UInt64 = 0
    var last: UInt64?
    while cursor.remaining > 0 {
      let number = try cursor.zigZag()
      if number < 0 {
        guard number >= -Int64(slotsMax - slot) else { throw beyond(slot) }
        slot -= Int(number)
        continue
      }
      guard slot < slotsMax else { throw beyond(slot) }
      if number > 0 { last = try add(number, slot, to: &times, &sum) }
      slot += 1
    }
    // Without a count: the greatest value that is equal to the last one.
    if let last { times.record(times.highestEquivalentForValue(last), count: 0) }
    return times
  }

  private static func add(
    _ number: Int64, _ slot: Int, to times: inout TrialRecorder.Times, _ sum: inout UInt64
  ) throws(HDRFault) -> UInt64 {
    guard let count = UInt32(exactly: number) else {
      throw HDRFault(expected: "counts of at most \(UInt32.max)", found: "\(number)")
    }
    let value = leastValue(ofSlot: slot)
    let product = times.highestEquivalentForValue(value)
      .multipliedReportingOverflow(by: UInt64(count))
    let total = sum.addingReportingOverflow(product.partialValue)
    guard !product.overflow && !total.overflow else {
      throw HDRFault(expected: "times that add up to less than 2^64", found: "more")
    }
    sum = total.partialValue
    guard times.record(value, count: count) else { throw beyond(slot) }
    return value
  }

  /// Of a slot below `slotsMax`, in a histogram from 1 on with three digits.
  private static func leastValue(ofSlot slot: Int) -> UInt64 {
    if slot < 2048 { return UInt64(slot) }
    return UInt64((slot & 1023) | 1024) << UInt64((slot >> 10) - 1)
  }

  private static func beyond(_ slot: Int) -> HDRFault {
    HDRFault(expected: "at most \(slotsMax) slots", found: "more, behind slot \(slot)")
  }

  private static func checkHeader(_ cursor: inout HDRCursor, _ count: Int) throws(HDRFault) {
    guard count >= headerBytes else {
      throw HDRFault(expected: "a header of \(headerBytes) bytes", found: "\(count) bytes")
    }
    try cursor.expect(UInt64(cookie), 4, "V2's cookie, \(cookie)")
    try cursor.expect(UInt64(count - headerBytes), 4, "\(count - headerBytes) bytes of counts")
    try cursor.expect(0, 4, "an index offset of 0")
    try cursor.expect(3, 4, "3 significant digits")
    try cursor.expect(1, 8, "1 as the lowest discernible value")
    let highest = try cursor.integer(8)
    guard highest >= 2 else {
      throw HDRFault(expected: "a highest trackable value of 2 or more", found: "\(highest)")
    }
    try cursor.expect((1.0).bitPattern, 8, "a ratio of 1.0, \((1.0).bitPattern)")
  }
}

/// Signed numbers in one to nine bytes, seven bits each, the lowest first, and eight in the ninth
/// (LEB128-64b9B). The sign is the lowest bit (ZigZag), so that small numbers are short.
enum ZigZag {
  static let bytesMax = 9

  static func append(_ number: Int64, to bytes: inout [UInt8]) {
    var rest = UInt64(bitPattern: (number << 1) ^ (number >> 63))
    for _ in 0..<(bytesMax - 1) {
      if rest < 0x80 { break }
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    // The ninth byte has all of its bits for the number.
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}

/// Reads from the beginning on; never past the end.
struct HDRCursor: ~Escapable {
  private let bytes: Span<UInt8>
  private var position = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  /// Big-endian, of at most eight bytes.
  mutating func integer(_ count: Int) throws(HDRFault) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<count { value = value << 8 | UInt64(try byte()) }
    return value
  }

  mutating func expect(_ value: UInt64, _ count: Int, _ what: String) throws(HDRFault) {
    let found = try integer(count)
    if found != value { throw HDRFault(expected: what, found: "\(found)") }
  }

  mutating func zigZag() throws(HDRFault) -> Int64 {
    var value: UInt64 = 0
    for index in 0..<ZigZag.bytesMax {
      let byte = try byte()
      let isLast = index == ZigZag.bytesMax - 1
      value |= UInt64(isLast ? byte : byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { break }
    }
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private mutating func byte() throws(HDRFault) -> UInt8 {
    guard remaining > 0 else {
      throw HDRFault(expected: "a whole number", found: "the end after \(bytes.count) bytes")
    }
    defer { position += 1 }
    return bytes[position]
  }
}

extension [UInt8] {
  mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }
}
