/// What a suite runs: its cells, and the order of its trials.
package struct SuitePlan: Hashable, Sendable {
  /// One combination of parameters, repeated once in each block.
  package struct Cell: Hashable, Sendable {
    /// Counted from 0, in the suite's order.
    package let number: Int
    package let parameters: TrialParameters
    /// What distinguishes it from the suite's other cells: `backend=direct durability=batch`.
    package let label: String
    /// The cell that it is compared with; nil where it is its own baseline, or there is none.
    package let baseline: Int?
    /// The cell of bare calls that it is judged by.
    package let reference: Int?
  }

  /// One trial to run.
  package struct Trial: Hashable, Sendable {
    package let cell: Int
    /// Counted from 1; 0 is the warm-up, which is discarded.
    package let block: Int
    /// Its place within the block, counted from 1.
    package let position: Int

    /// Unique within a run: `c03-b2`.
    package var id: String { "\(SuitePlan.name(ofCell: cell))-b\(block)" }
  }

  /// `c03`: how trial ids and environment.json name a cell, counted from 1.
  static func name(ofCell number: Int) -> String {
    number < 9 ? "c0\(number + 1)" : "c\(number + 1)"
  }

  /// The name of the target that the others are judged by.
  package static let referenceTarget = "bare"

  package let cells: [Cell]
  package let trials: [Trial]
  /// The keys in which cells differ, in the order of `ParameterKey`.
  package let varyingKeys: [ParameterKey]

  package init(_ suite: Suite, repeats: Int? = nil) {
    let parameters = suite.expandedParameters()
    let varying = ParameterKey.allCases.filter { key in
      Set(parameters.map { $0.text(of: key) }).count > 1
    }
    var numbers: [TrialParameters: Int] = [:]
    for (number, each) in parameters.enumerated() { numbers[each.comparable] = number }
    varyingKeys = varying
    cells = parameters.enumerated().map { number, each in
      var baseline = each
      for setting in suite.baseline { baseline.apply(setting) }
      var reference = each
      reference.target = Self.referenceTarget
      let baselineNumber = suite.baseline.isEmpty ? nil : numbers[baseline.comparable]
      let referenceNumber = numbers[reference.comparable]
      return Cell(
        number: number, parameters: each, label: each.label(varying),
        baseline: baselineNumber == number ? nil : baselineNumber,
        reference: referenceNumber == number ? nil : referenceNumber)
    }
    trials = Self.order(
      cells: parameters.count, warmup: suite.warmup, repeats: repeats ?? suite.repeats,
      seed: suite.seed)
  }

  /// Each block holds every cell once, in an order of its own.
  private static func order(cells: Int, warmup: Int, repeats: Int, seed: UInt64) -> [Trial] {
    var random = SeededGenerator(seed: seed)
    var trials: [Trial] = []
    for index in 0..<(warmup + repeats) {
      let order = random.shuffled(Array(0..<cells))
      let block = max(0, index - warmup + 1)
      for (position, cell) in order.enumerated() {
        trials.append(Trial(cell: cell, block: block, position: position + 1))
      }
    }
    return trials
  }
}

extension Suite {
  /// The cells' parameters, each once, in the suite's order: the defaults, the star, the crosses.
  func expandedParameters() -> [TrialParameters] {
    var base = TrialParameters()
    for setting in defaults + overrides { base.apply(setting) }
    var all: [TrialParameters] = []
    if !axes.isEmpty || crosses.isEmpty { all.append(base) }
    for axis in axes { for setting in values(of: axis) { all.append(base.applying(setting)) } }
    for cross in crosses {
      var start = base
      for setting in cross.with + overrides { start.apply(setting) }
      var product = [start]
      for axis in cross.axes {
        let settings = values(of: axis)
        product = product.flatMap { each in settings.map { each.applying($0) } }
      }
      all += product
    }
    var seen: Set<TrialParameters> = []
    return all.filter { seen.insert($0.comparable).inserted }
  }

  private func values(of axis: Axis) -> [Setting] {
    let fixed = overrides.last { $0.key == axis.key || ($0.key.isLength && axis.key.isLength) }
    return fixed.map { [$0] } ?? axis.settings
  }
}

extension TrialParameters {
  fileprivate func applying(_ setting: Setting) -> TrialParameters {
    var changed = self
    changed.apply(setting)
    return changed
  }

  /// Two cells with equal values here do the same: bare calls know no payload.
  fileprivate var comparable: TrialParameters {
    guard target == SuitePlan.referenceTarget else { return self }
    var same = self
    same.payload = ""
    same.recordBytes = 0
    return same
  }

  fileprivate func label(_ keys: [ParameterKey]) -> String {
    let isReference = target == SuitePlan.referenceTarget
    let parts = keys.compactMap { key -> String? in
      if isReference && (key == .payload || key == .recordBytes) { return nil }
      return text(of: key).map { "\(key.rawValue)=\($0)" }
    }
    return parts.isEmpty ? "all" : parts.joined(separator: " ")
  }
}
