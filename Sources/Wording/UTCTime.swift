/// Moments of the calendar as people read them, in UTC (ISO 8601).
package enum UTCTime {
  private static let millisecondsPerDay: Int64 = 86_400_000

  /// `2026-11-25T03:28:00.123Z`, of milliseconds since 1970; any value.
  package static func text(milliseconds: Int64) -> String {
    var (days, rest) = milliseconds.quotientAndRemainder(dividingBy: millisecondsPerDay)
    if rest < 0 { (days, rest) = (days - 1, rest + millisecondsPerDay) }
    let (year, month, day) = date(days)
    let (seconds, thousandths) = rest.quotientAndRemainder(dividingBy: 1000)
    let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { digits($0, 2) }
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
      + "T\(clock.joined(separator: ":")).\(digits(thousandths, 3))Z"
  }

  /// The Gregorian date of a day since 1970 (H. Hinnant, "chrono-compatible low-level date
  /// algorithms").
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468  // since 0000-03-01
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func digits(_ value: Int64, _ count: Int) -> String {
    let text = "\(value.magnitude)"
    let zeros = String(repeating: "0", count: max(0, count - text.utf8.count))
    return (value < 0 ? "-" : "") + zeros + text
  }
}
