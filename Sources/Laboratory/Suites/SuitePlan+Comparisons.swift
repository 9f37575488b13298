// Which cells a suite compares, by its plan alone.

/// What a ratio is of.
package enum ComparisonSubject: Hashable, Sendable {
  case cell(Int)
  /// The ratio of one cell to another.
  case ratio(cell: Int, against: Int)

  /// `c03`, or `c03/c01`.
  package var name: String {
    switch self {
    case .cell(let number): SuitePlan.name(ofCell: number)
    case .ratio(let cell, let against):
      "\(SuitePlan.name(ofCell: cell))/\(SuitePlan.name(ofCell: against))"
    }
  }
}

/// What cells are compared with.
package enum ComparisonKind: String, CaseIterable, Hashable, Sendable {
  /// The suite's baseline.
  case baseline
  /// The system calls alone.
  case syscalls
  /// The same ratio at the first value of another axis.
  case contrast
  /// Another build of the program.
  case build
}

extension SuitePlan {
  /// The name of a cross whose bound or contrast compares nothing; nil where each does.
  package var emptyQuestion: String? {
    families.indices.first { number in
      let cells = cells.filter { $0.families.contains(number) && !$0.isBase }
      let family = families[number]
      return (family.bound != nil && pairs(of: cells, .baseline, family).isEmpty)
        || (family.contrast != nil && pairs(of: cells, .contrast, family).isEmpty)
    }.map { families[$0].name }
  }

  /// The cells of a family that are compared in this way, each with what it is compared to.
  package func pairs(
    of cells: [Cell], _ kind: ComparisonKind, _ family: Family
  ) -> [(ComparisonSubject, ComparisonSubject)] {
    switch kind {
    case .baseline:
      cells.compactMap { cell in cell.baseline.map { (.cell(cell.number), .cell($0)) } }
    case .syscalls:
      cells.compactMap { cell in
        guard let reference = cell.reference, reference != cell.baseline else { return nil }
        return (.cell(cell.number), .cell(reference))
      }
    case .build: cells.compactMap { cell in cell.base.map { (.cell(cell.number), .cell($0)) } }
    case .contrast: family.contrast.map { contrasts(cells, with: $0) } ?? []
    }
  }

  /// Each ratio to the baseline against the same ratio at the axis's first value.
  private func contrasts(
    _ compared: [Cell], with first: Setting
  ) -> [(ComparisonSubject, ComparisonSubject)] {
    compared.compactMap { cell in
      var parameters = cell.parameters
      parameters.apply(first)
      guard let against = cell.baseline, parameters != cell.parameters,
        let other = cells.first(where: { !$0.isBase && $0.parameters == parameters }),
        let otherAgainst = other.baseline
      else { return nil }
      return (
        .ratio(cell: cell.number, against: against),
        .ratio(cell: other.number, against: otherAgainst)
      )
    }
  }
}
