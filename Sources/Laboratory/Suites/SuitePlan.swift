import LinuxIO
import LogStorage
import Statistics

/// What a suite runs: its cells, and the order of its trials.
package struct SuitePlan: Hashable, Sendable {
  /// One combination of parameters, repeated once in each block.
  package struct Cell: Hashable, Sendable {
    /// Counted from 0, in the suite's order.
    package let number: Int
    package let parameters: TrialParameters
    /// What distinguishes it from the suite's other cells: `direct durability=batch`.
    package let label: String
    /// The families that ask about it, by number: one where a single cross or axis has it.
    package let families: Set<Int>
    /// The cell that it is compared with; nil where it is its own baseline, or there is none.
    package let baseline: Int?
    /// The cell of bare calls that it is judged by.
    package let reference: Int?
    /// The same cell, run by the build that this one is compared with; nil where there is none.
    package let base: Int?
    /// True where the other build runs it.
    package let isBase: Bool
  }

  /// The cells of one cross, or of one axis of the star: one question of the suite.
  package struct Family: Hashable, Sendable {
    package let name: String
    /// The first value of the axis that it contrasts.
    package let contrast: Setting?
    package let bound: Suite.Bound?
    /// What it compares; the first one decides.
    package let metrics: [Metric]
  }

  /// One trial to run.
  package struct Trial: Hashable, Sendable, Codable {
    package let cell: Int
    /// Counted from 1; 0 is the warm-up, which is discarded.
    package let block: Int
    /// Its place within the block, counted from 1.
    package let position: Int

    package init(
      cell: Int, block: Int, position: Int
    ) {
      self.cell = cell
      self.block = block
      self.position = position
    }

    /// Unique within a run: `c03-b2`.
    package var id: String { "\(SuitePlan.name(ofCell: cell))-b\(block)" }
  }

  /// `c03`: how trial ids and environment.json name a cell, counted from 1.
  package static func name(ofCell number: Int) -> String {
    number < 9 ? "c0\(number + 1)" : "c\(number + 1)"
  }

  package let families: [Family]
  package let cells: [Cell]
  package let trials: [Trial]
  /// The keys that tell each cell from the others, in the order of `ParameterKey`; one that only
  /// changes along with others is not among them.
  package let tellingKeys: [ParameterKey]
  /// Two builds run every cell, one right after the other.
  package let comparesBuilds: Bool
  /// True where some cell has the baseline's values, so that others can be compared with it.
  package let hasBaselineCell: Bool

  package init(_ suite: Suite, repeats: Int? = nil, comparesBuilds: Bool = false) {
    let expanded = suite.expandedCells()
    let parameters = expanded.map(\.parameters)
    let telling = Self.tellingKeys(of: parameters)
    var numbers: [TrialParameters: Int] = [:]
    for (number, each) in parameters.enumerated() { numbers[each.comparable] = number }
    func cell(like other: TrialParameters, unlike number: Int) -> Int? {
      numbers[other.comparable].flatMap { $0 == number ? nil : $0 }
    }
    hasBaselineCell = parameters.contains { each in
      var baseline = each
      for setting in suite.baseline { baseline.apply(setting) }
      return numbers[baseline.comparable] != nil
    }
    tellingKeys = telling
    self.comparesBuilds = comparesBuilds
    families = suite.families
    let own = expanded.enumerated().map { number, each in
      var baseline = each.parameters
      for setting in suite.baseline { baseline.apply(setting) }
      var reference = each.parameters
      reference.target = reference.referenceTarget ?? reference.target
      return Cell(
        number: number, parameters: each.parameters, label: each.parameters.label(telling),
        families: each.families,
        baseline: suite.baseline.isEmpty ? nil : cell(like: baseline, unlike: number),
        reference: cell(like: reference, unlike: number),
        base: comparesBuilds ? number + expanded.count : nil, isBase: false)
    }
    let base = own.compactMap { cell in
      cell.base.map {
        Cell(
          number: $0, parameters: cell.parameters, label: "\(cell.label), base build",
          families: cell.families, baseline: nil, reference: nil, base: nil, isBase: true)
      }
    }
    cells = own + base
    trials = Self.order(
      own, warmup: suite.warmup, repeats: max(1, repeats ?? suite.repeatsMax ?? suite.repeats),
      seed: suite.seed)
  }

  private static func tellingKeys(of parameters: [TrialParameters]) -> [ParameterKey] {
    var keys = ParameterKey.allCases.filter { key in
      Set(parameters.map { $0.text(of: key) }).count > 1
    }
    let always: Set<ParameterKey> = [.target, .backend, .durability, .payload, .transfer]
    // How long a trial is tells least.
    let isSize: (ParameterKey) -> Bool = { $0.isLength || $0 == .prefillBytes }
    let dispensable = keys.filter(isSize) + keys.reversed().filter { !isSize($0) }
    for key in dispensable where keys.count > 1 && !always.contains(key) {
      let fewer = keys.filter { $0 != key }
      if Set(parameters.map { $0.label(fewer) }).count == parameters.count { keys = fewer }
    }
    return keys
  }

  /// Each block holds every cell once, in an order of its own. Where two builds run a cell, one
  /// follows the other at once, in random order.
  private static func order(
    _ cells: [Cell], warmup: Int, repeats: Int, seed: UInt64
  ) -> [Trial] {
    var random = SeededGenerator(seed: seed)
    var trials: [Trial] = []
    for index in 0..<(warmup + repeats) {
      let order = random.shuffled(cells).flatMap { cell in
        cell.base.map { random.shuffled([cell.number, $0]) } ?? [cell.number]
      }
      let block = max(0, index - warmup + 1)
      for (position, cell) in order.enumerated() {
        trials.append(Trial(cell: cell, block: block, position: position + 1))
      }
    }
    return trials
  }
}

extension Suite {
  /// The axes of the star, then the crosses; `all` where there is neither.
  var families: [SuitePlan.Family] {
    var names = axes.map(\.key.rawValue)
    if names.isEmpty && crosses.isEmpty { names = ["all"] }
    let usual = [headline] + also
    return names.map { SuitePlan.Family(name: $0, contrast: nil, bound: nil, metrics: usual) }
      + crosses.map {
        SuitePlan.Family(
          name: $0.name, contrast: $0.firstContrast, bound: $0.bound,
          metrics: $0.metrics ?? usual)
      }
  }

  /// The cells' parameters, each once, in the suite's order (the defaults, the star, the crosses),
  /// and the numbers of the families that have them.
  func expandedCells() -> [(parameters: TrialParameters, families: Set<Int>)] {
    var base = TrialParameters()
    base.backend = firstBackend
    base.transfer = firstTransfer
    for setting in defaults + overrides { base.apply(setting) }
    var all: [(parameters: TrialParameters, family: Int)] = []
    if !axes.isEmpty || crosses.isEmpty { all.append((base, 0)) }
    for (number, axis) in axes.enumerated() {
      all += values(of: axis).map { (base.applying($0), number) }
    }
    for (number, cross) in crosses.enumerated() {
      var start = base
      for setting in cross.with + overrides { start.apply(setting) }
      var product = [start]
      for axis in cross.axes {
        let settings = values(of: axis)
        product = product.flatMap { each in settings.map { each.applying($0) } }
      }
      all += product.map { ($0, axes.count + number) }
    }
    var places: [TrialParameters: Int] = [:]
    var cells: [(parameters: TrialParameters, families: Set<Int>)] = []
    for (parameters, family) in all {
      if let place = places[parameters.comparable] {
        cells[place].families.insert(family)
      } else {
        places[parameters.comparable] = cells.count
        cells.append((parameters, [family]))
      }
    }
    return cells
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

  /// Two cells with equal values here do the same: bare calls know no payload, and where they send
  /// a file nothing about how a log was written.
  fileprivate var comparable: TrialParameters {
    guard isReference else { return self }
    var same = self
    same.payload = ""
    same.recordBytes = 0
    if isTransfer {
      same.length = .bytes(plannedBytes)
      same.backend = ""
      same.durability = .none
      same.batchBytes = 0
      same.preallocation = nil
      same.queueDepth = 1
      same.segmentBytes = 0
    }
    return same
  }

  /// `log direct durability=batch`: the values of `keys` that mean something for this target.
  package func label(_ keys: [ParameterKey]) -> String {
    let parts = keys.compactMap { key -> String? in
      if !applies(key) { return nil }
      guard let text = text(of: key) else { return nil }
      if text.isEmpty { return nil }
      // These names say by themselves what they name.
      return key.parameter.isPlain ? text : "\(key.rawValue)=\(text)"
    }
    return parts.isEmpty ? "all" : parts.joined(separator: " ")
  }
}
