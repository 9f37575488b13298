import ArgumentParser
import Results

/// `varve doctor`
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine offers, what it lacks, and how to get it.",
    discussion: """
      Tries each backend, preallocation and transfer path with 64 KiB in a folder of its own in \
      --data, measures the disk's flushes, and reads the kernel's limits. What is missing makes a \
      suite's cells 'skipped'. Exit status 1: no backend works.

      Example: varve doctor --data /mnt/disk
      """)

  @Option(help: "A folder on the file system to look at.")
  var data = "."

  @Flag(help: "Print the result as one JSON document.")
  var json = false

  func validate() throws {
    try expectFolder("--data", data, remedy: "expected a folder on the disk in question")
  }

  func run() throws {
    let report: MachineReport
    do {
      report = try MachineReport(of: data, Laboratory.context(flightsPath: ""))
    } catch { throw CommandFailure.failed("--data: \(error)") }
    if json { printLine(Self.document(report).text) } else { Self.lines(report).forEach(printLine) }
    let backends = report.findings.filter { $0.group == "backend" }
    if !backends.contains(where: { $0.isAvailable == true }) { throw ExitCode.failure }
  }

  private static func lines(_ report: MachineReport) -> [String] {
    var group = ""
    var lines: [String] = []
    for finding in report.findings {
      if finding.group != group { lines.append("\(finding.group):") }
      group = finding.group
      let mark =
        switch finding.isAvailable {
        case true?: "yes"
        case false?: "no "
        case nil: "   "
        }
      lines.append("  \(mark) \(finding.name): \(finding.detail)")
      if finding.isAvailable == false, let remedy = finding.remedy {
        lines.append("      to get it: \(remedy)")
      }
    }
    let asked = report.findings.count { $0.isAvailable != nil }
    lines.append(
      "\(asked - report.missing.count) of \(asked) are available in \(report.directory)"
        + (report.missing.isEmpty
          ? "" : "; missing: \(report.missing.map(\.name).joined(separator: ", "))"))
    return lines
  }

  private static func document(_ report: MachineReport) -> JSONValue {
    .object([
      "directory": .text(report.directory),
      "findings": .list(
        report.findings.map { finding in
          .object([
            "group": .text(finding.group), "name": .text(finding.name),
            "available": finding.isAvailable.map { .flag($0) } ?? .null,
            "detail": .text(finding.detail),
            "remedy": finding.isAvailable == false
              ? finding.remedy.map { .text($0) } ?? .null : .null,
          ])
        }),
    ])
  }
}
