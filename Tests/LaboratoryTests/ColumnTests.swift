import Suites
import Testing

struct ColumnTests {
  @Test func `Every key of a suite has a column in trials.csv`() {
    let names = Set(TrialColumn.all.map(\.name))
    for key in ParameterKey.allCases {
      #expect(names.contains(key.columnName), "\(key.rawValue)")
    }
  }

  @Test func `Columns have names of their own, in lower case with underscores`() {
    for names in [TrialColumn.all.map(\.name), IntervalColumn.all.map(\.name)] {
      #expect(Set(names).count == names.count)
      for name in names { #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(name)") }
    }
  }

  @Test func `Every column is described in a whole sentence`() {
    let columns =
      TrialColumn.all.map { ($0.name, $0.description) }
      + IntervalColumn.all.map { ($0.name, $0.description) }
    for (name, description) in columns {
      #expect(description.count > 10 && description.hasSuffix("."), "\(name): \(description)")
      // The table of the data dictionary has bars between its fields.
      #expect(!description.contains("|") && !description.contains("\n"), "\(name)")
    }
  }

  @Test func `Every metric of a verdict has a unit and a direction`() {
    for metric in Metric.comparable {
      #expect(!metric.title.unit.isEmpty && !metric.title.text.isEmpty, "\(metric.rawValue)")
      #expect(metric.defaultMargin > 0)
    }
    #expect(Metric.comparable.contains(.durableMegabytesPerSecond))
    #expect(!Metric.comparable.contains(.minorFaults))
  }
}
