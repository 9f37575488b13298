import Foundation
import LinuxIO
import LogStorage
import Suites
import Targets
import Trials

/// What the tests' suites may name: the two capabilities that bare calls look at, and no backend.
enum Fixtures {
  static let buffered = StorageCapabilities(
    name: "buffered", blockBytes: 1, isAsynchronous: false, isDirect: false)
  static let direct = StorageCapabilities(
    name: "direct", blockBytes: 4096, isAsynchronous: false, isDirect: true)

  static let mapped = StorageCapabilities(
    name: "mapped", blockBytes: 1, isAsynchronous: false, isDirect: false, isMapped: true,
    preallocations: [.fallocateExtend, .zero, .recycle])
  static let ring = StorageCapabilities(
    name: "ring", blockBytes: 4096, isAsynchronous: true, isDirect: true)
  static let bufferedRing = StorageCapabilities(
    name: "buffered-ring", blockBytes: 1, isAsynchronous: true, isDirect: false)

  static func context(_ targets: [TargetChoice] = [.syscalls]) -> LaboratoryContext {
    LaboratoryContext(
      targets: targets,
      backends: [
        buffered, direct, mapped, ring, bufferedRing,
      ].map { capabilities in
        BackendChoice(capabilities) { _ throws(StorageError) in
          throw .fenced(path: "there is no backend here")
        }
      },
      payloads: ["synthetic", "flights"])
  }

  static let vocabulary = SuiteVocabulary(
    targets: ["log", "syscalls", "transfer", "syscalls-transfer"],
    backends: ["buffered", "direct"],
    payloads: ["synthetic", "flights"], transfers: ["copy", "sendfile"])

  static func suite(
    _ text: String, overrides: [String] = []
  ) throws(SuiteError) -> Suite {
    try Suite.read(text: text, file: "s.yaml", overrides: overrides, vocabulary: vocabulary)
  }

  /// What a mistake in `text` says; nil where there is none.
  static func complaint(_ text: String, overrides: [String] = []) -> String? {
    do { _ = try suite(text, overrides: overrides) } catch { return "\(error)" }
    return nil
  }

  /// Runs `body` with a new folder that is removed afterwards.
  static func withFolder<Result>(
    under parent: String = NSTemporaryDirectory(), _ body: (String) throws -> Result
  ) throws -> Result {
    let base = parent.hasSuffix("/") ? String(parent.dropLast()) : parent
    let folder = "\(base)/varve-tests-\(UUID().uuidString)"
    try FileTree.create(folder)
    defer { try? FileTree.remove(folder) }
    return try body(folder)
  }

  /// A result's row of trials.csv, by column.
  static func row(_ result: TrialResult) -> [String: String?] {
    Dictionary(uniqueKeysWithValues: TrialColumn.all.map { ($0.name, $0.text(result)) })
  }
}

/// Reads RFC 4180 back, independently of the writer.
func parseCSV(_ text: String) -> [[String]] {
  var rows: [[String]] = []
  var row: [String] = []
  var field = ""
  var isQuoted = false
  var scalars = Array(text.unicodeScalars)[...]
  while let scalar = scalars.popFirst() {
    if isQuoted {
      if scalar != "\"" {
        field.unicodeScalars.append(scalar)
      } else if scalars.first == "\"" {
        field += "\""
        scalars.removeFirst()
      } else {
        isQuoted = false
      }
      continue
    }
    switch scalar {
    case "\"": isQuoted = true
    case ",":
      row.append(field)
      field = ""
    case "\r" where scalars.first == "\n":
      scalars.removeFirst()
      rows.append(row + [field])
      row = []
      field = ""
    default: field.unicodeScalars.append(scalar)
    }
  }
  return rows
}
