import ArgumentParser
import LinuxIO
import Wording

// What options accept. A mistake names the option, the value and what would have been accepted.

/// One of these words.
func expect(_ option: String, _ value: String, _ accepted: [String]) throws {
  if !accepted.contains(value) {
    throw ValidationError(
      "\(option): found '\(value)', expected \(accepted.joined(separator: ", "))")
  }
}

/// A whole number, or a size where `kind` says so.
func number(
  _ option: String, _ text: String, _ range: ClosedRange<Int64>, _ kind: Quantity = .count
) throws -> Int64 {
  do throws(ValueProblem) { return try kind.value(of: text, in: range) } catch {
    throw ValidationError("\(option): \(error.text)")
  }
}

/// The same; nil where the option is left out.
func number(
  _ option: String, _ text: String?, _ range: ClosedRange<Int64>, _ kind: Quantity = .count
) throws -> Int64? {
  try text.map { try number(option, $0, range, kind) }
}

/// A seed, which may be any number of 64 bits.
func seed(_ option: String, _ text: String?, in range: ClosedRange<UInt64>) throws -> UInt64? {
  guard let text else { return nil }
  let isNumber = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
  if isNumber, let value = UInt64(text), range.contains(value) { return value }
  throw ValidationError(
    "\(option): found '\(text)', expected a whole number from \(range.lowerBound) to "
      + "\(range.upperBound)")
}

/// A file of which any part can be read.
func checkSegmentFile(_ path: String) throws {
  if InputFile.isRegular(path) { return }
  let found =
    switch InputFile.isFolder(path) {
    case true?: "found a folder, expected a segment's file"
    case false?: "found a pipe or a device, expected a file: any part of a segment must be readable"
    case nil: "there is no such file"
    }
  throw CommandFailure.failed("\(path): \(found)")
}

/// Any text but none.
func expectText(_ option: String, _ text: String, _ what: String) throws {
  if text.isEmpty { throw ValidationError("\(option): found '', expected \(what)") }
}

/// The path of a folder that exists.
func expectFolder(_ option: String, _ path: String, remedy: String) throws {
  switch InputFile.isFolder(path) {
  case true?: return
  case false?:
    throw ValidationError("\(option): found '\(path)', which is a file, expected a folder")
  case nil:
    throw ValidationError("\(option): found '\(path)', which does not exist; \(remedy)")
  }
}
