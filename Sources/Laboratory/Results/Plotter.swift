import Foundation
import LinuxIO

/// The Python program that draws plots and pages: `Scripts/python/report` of the project.
package struct Plotter {
  let python: String
  let package: String

  /// Looks for the interpreter in `VARVE_PYTHON`, or where `Scripts/setup` puts it, and for the
  /// program in `VARVE_PLOTTER`, or in the project that the executable or the working directory
  /// lies in. Throws what was looked for where, and the remedy.
  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(PlotterError) {
    let roots = Self.projects()
    let programs =
      environment["VARVE_PLOTTER"].map { [$0] } ?? roots.map { "\($0)/Scripts/python/report" }
    guard let package = programs.first(where: { Self.exists("\($0)/__main__.py") }) else {
      throw PlotterError(
        "the plotter is missing: looked for __main__.py in "
          + (programs.isEmpty ? "no folder" : programs.joined(separator: ", "))
          + "; run varve in its project's folder, or set VARVE_PLOTTER to Scripts/python/report")
    }
    let interpreters =
      environment["VARVE_PYTHON"].map { [$0] } ?? roots.map { "\($0)/.build/python/bin/python3" }
    guard let python = interpreters.first(where: Self.exists) else {
      throw PlotterError(
        "the plotter's Python is missing: looked for \(interpreters.joined(separator: ", ")); run "
          + "Scripts/setup, or set VARVE_PYTHON to a Python that has matplotlib, pandas and "
          + "hdrhistogram")
    }
    self.python = python
    self.package = package
  }

  /// Draws a run: `plots/*.svg` and `report.html` in its folder. Its words go to standard error.
  package func draw(_ judgement: Judgement, of run: StoredRun) throws {
    let document = try ReportDocument(judgement, run).json()
    let process: ChildProcess
    do {
      process = try ChildProcess(
        [python, package, run.directory], input: Array(document), output: .standardError,
        errors: .standardError)
    } catch { throw PlotterError("\(python) cannot be run: \(error.number)") }
    guard process.wait()?.isSuccess == true else {
      throw PlotterError("the plotter failed (\(python) \(package)); its message is above")
    }
  }

  /// Folders that may be the project: those above the executable, and above the working directory.
  private static func projects() -> [String] {
    var roots: [String] = []
    for start in [canonicalPath("/proc/self/exe"), canonicalPath(".").map { $0 + "/." }] {
      guard let start else { continue }
      var path = parentDirectory(of: start)
      while path != "/" && path != "." && !path.isEmpty {
        if exists("\(path)/Package.swift") && !roots.contains(path) { roots.append(path) }
        path = parentDirectory(of: path)
      }
    }
    return roots
  }

  private static func exists(_ path: String) -> Bool {
    InputFile.isFolder(path) != nil
  }
}

/// Why nothing was drawn.
package struct PlotterError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
