import Suites

/// What is wrong with a suite that can be read: found before the first trial, and not in the rows.
extension Suite {
  /// Throws where a cell contradicts itself, where the baseline is no cell, and where a key does
  /// nothing in any cell. `file` names the suite.
  package func check(
    file: String, _ context: LaboratoryContext
  ) throws(SuiteError) {
    let plan = SuitePlan(self)
    for cell in plan.cells {
      let path = context.transfers.first { $0.name == cell.parameters.transfer }
      if let reason = cell.parameters.contradiction(path?.capabilities) {
        throw SuiteError(.file(file), "the cell '\(cell.label)' cannot run: \(reason)")
      }
    }
    try checkBaseline(file, plan)
    for setting in defaults + overrides where doesNothing(setting, in: plan) {
      let isOverride = overrides.contains(setting)
      throw SuiteError(
        isOverride ? .option("--set \(setting.assignment)") : .file(file),
        "the key '\(setting.key.rawValue)' does nothing here: no cell has a target and parameters "
          + "that use it; leave it out")
    }
  }

  private func checkBaseline(_ file: String, _ plan: SuitePlan) throws(SuiteError) {
    if baseline.isEmpty || plan.hasBaselineCell { return }
    let words = baseline.map(\.assignment).joined(separator: ", ")
    let fixing = overrides.last { setting in
      baseline.contains { $0.key == setting.key && $0 != setting }
    }
    if let fixing {
      throw SuiteError(
        .option("--set \(fixing.assignment)"),
        "takes the baseline (\(words)) out of the suite, so nothing could be compared; set a value "
          + "of the baseline, or copy the suite and change its baseline")
    }
    throw SuiteError(
      .file(file),
      "baseline: no cell has \(words), so nothing could be compared; add the value to an axis, or "
        + "take the key 'baseline' out")
  }

  /// A value that is the program's own default says nothing, and does no harm.
  private func doesNothing(_ setting: Setting, in plan: SuitePlan) -> Bool {
    if plan.cells.contains(where: { $0.parameters.applies(setting.key) }) { return false }
    var changed = TrialParameters()
    changed.apply(setting)
    return changed.text(of: setting.key) != TrialParameters().text(of: setting.key)
      && !setting.key.isLength
  }

  /// What each `--set` did to an axis: `--set backend=direct: the axis 'backend' has this one value
  /// instead of buffered, direct`.
  package var overrideNotes: [String] {
    overrides.compactMap { setting in
      let all = axes + crosses.flatMap(\.axes)
      let replaced = all.filter { $0.key == setting.key }.flatMap(\.settings)
        .reduce(into: [String]()) { if !$0.contains($1.text) { $0.append($1.text) } }
      if replaced.isEmpty || replaced == [setting.text] { return nil }
      return "--set \(setting.assignment): the axis '\(setting.key.rawValue)' has this one value "
        + "instead of \(replaced.joined(separator: ", "))"
    }
  }
}

extension Setting {
  /// `bytes=64MiB`, as `--set` has it.
  package var assignment: String { "\(key.rawValue)=\(text)" }
}
