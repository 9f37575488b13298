/// Everything that the laboratory knows about one key of a suite, besides its name.
package struct Parameter {
  package let accepted: AcceptedValues
  /// What it means, in one sentence.
  package let description: String
  /// Nil for a length that another length has replaced.
  let value: (TrialParameters) -> Setting.Value?
  let set: (inout TrialParameters, Setting.Value) -> Void
  /// True where it changes what the trial does. Elsewhere its column is empty and labels leave it
  /// out.
  var applies: (TrialParameters) -> Bool = { _ in true }
  /// The value speaks for itself in a label: `direct`, not `backend=direct`.
  var isPlain = false
  /// What its column holds, where that is not the value.
  var recorded: ((TrialResult) -> String?)?

  func only(where applies: @escaping (TrialParameters) -> Bool) -> Parameter {
    var changed = self
    changed.applies = applies
    return changed
  }

  var plain: Parameter {
    var changed = self
    changed.isPlain = true
    return changed
  }

  func recorded(as text: @escaping (TrialResult) -> String?) -> Parameter {
    var changed = self
    changed.recorded = text
    return changed
  }
}

// The kinds of rows in the table of parameters.
extension Parameter {
  static func word(
    _ path: WritableKeyPath<TrialParameters, String>, _ accepted: AcceptedValues,
    _ description: String
  ) -> Parameter {
    Parameter(
      accepted: accepted, description: description, value: { .name($0[keyPath: path]) },
      set: { if case .name(let name) = $1 { $0[keyPath: path] = name } })
  }

  static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _ path: WritableKeyPath<TrialParameters, Choice>, _ description: String
  ) -> Parameter where Choice.RawValue == String {
    Parameter(
      accepted: .cases(Choice.self), description: description,
      value: { .name($0[keyPath: path].rawValue) },
      set: {
        if case .name(let name) = $1, let choice = Choice(rawValue: name) {
          $0[keyPath: path] = choice
        }
      })
  }

  static func number<Number: FixedWidthInteger>(
    _ path: WritableKeyPath<TrialParameters, Number>, _ accepted: AcceptedValues,
    _ description: String
  ) -> Parameter {
    Parameter(
      accepted: accepted, description: description, value: { .number(Int64($0[keyPath: path])) },
      set: { if case .number(let number) = $1 { $0[keyPath: path] = Number(number) } })
  }

  static func length(
    _ accepted: AcceptedValues, _ description: String,
    _ make: @escaping (Int64) -> TrialLength, _ number: @escaping (TrialLength) -> Int64?
  ) -> Parameter {
    Parameter(
      accepted: accepted, description: description,
      value: { number($0.length).map { .number($0) } },
      set: { if case .number(let number) = $1 { $0.length = make(number) } })
  }
}
