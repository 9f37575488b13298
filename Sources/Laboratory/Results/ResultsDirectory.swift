import Foundation
import LinuxIO
import Trials

/// The folder of one run: `Results/<yyyy-mm-dd>-<host>-<suite>/`.
struct ResultsDirectory {
  let path: String

  /// Creates the folder. `chosen` is `--out`; without it the name is made under `parent`, with
  /// `-2`, `-3` … where that day's is taken.
  static func create(
    chosen: String?, resuming: Bool = false, parent: String, suite: String, host: String,
    day: String
  ) throws(LaboratoryError) -> ResultsDirectory {
    do {
      if let chosen {
        try FileTree.create(chosen)
        if resuming { return ResultsDirectory(path: chosen) }
        if try LinuxFileIO().size(ofFileAt: "\(chosen)/trials.csv") != nil {
          throw LaboratoryError.resultsExist(chosen)
        }
        let directory = ResultsDirectory(path: chosen)
        _ = try directory.page()
        return directory
      }
      try FileTree.create(parent)
      let base = "\(parent)/\(day)-\(plain(host))-\(suite)"
      var path = base
      var number = 2
      while !(try createNew(path)) {
        path = "\(base)-\(number)"
        number += 1
      }
      return ResultsDirectory(path: path)
    } catch let error as SystemCallError {
      throw .results(error)
    } catch let error as LaboratoryError {
      throw error
    } catch {
      throw .other("\(error)")
    }
  }

  /// Replaces one of the folder's files, atomically.
  func write(_ name: String, _ bytes: [UInt8]) throws(LaboratoryError) {
    do { try LinuxFileIO().replaceFile(at: "\(path)/\(name)", with: bytes.span.bytes) } catch {
      throw .results(error)
    }
  }

  /// One of the folder's files; nil where it is missing.
  func read(_ name: String) throws(LaboratoryError) -> [UInt8]? {
    do { return try LinuxFileIO().readFile(at: "\(path)/\(name)", bytesMax: 1 << 26) } catch {
      throw .results(error)
    }
  }

  /// The text of `README.md`; nil where it is missing. Throws where it has not both markers: then
  /// it is not varve's to replace.
  func page() throws(LaboratoryError) -> String? {
    guard let bytes = try read(Self.pageName) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard RunPage.part(of: text) != nil else {
      throw .foreignPage("\(path)/\(Self.pageName)")
    }
    return text
  }

  static let pageName = "README.md"

  /// The calendar's day here and now.
  static func today() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd"
    return formatter.string(from: Date())
  }

  private static func createNew(_ path: String) throws(SystemCallError) -> Bool {
    do { try LinuxFileIO().createDirectory(path) } catch {
      if error.number == .fileExists { return false }
      throw error
    }
    return true
  }

  /// A host's name as part of a folder's.
  private static func plain(_ host: String) -> String {
    let name = host.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" }
    return name.isEmpty ? "host" : String(name)
  }
}
