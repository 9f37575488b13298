import LinuxIO
import Statistics
import Wording
import Yams

extension Suite {
  /// Reads and checks a suite file, and `--set`'s `key=value` over it.
  package static func read(
    file: String, overrides: [String] = [], vocabulary: SuiteVocabulary
  ) throws(SuiteError) -> Suite {
    let text: String?
    do { text = try InputFile.text(of: file, bytesMax: 1 << 20) } catch {
      if error.number == .noSuchFile { throw SuiteError(.file(file), "no such suite file") }
      throw SuiteError(.file(file), "cannot read the suite: \(error.number)")
    }
    guard let text else { throw SuiteError(.file(file), "the suite is not UTF-8 text") }
    return try read(text: text, file: file, overrides: overrides, vocabulary: vocabulary)
  }

  /// Checks a suite's text; `file` is its name in errors.
  package static func read(
    text: String, file: String, overrides: [String] = [], vocabulary: SuiteVocabulary
  ) throws(SuiteError) -> Suite {
    let reader = SuiteReader(file: file, text: text, vocabulary: vocabulary)
    var suite = try reader.suite()
    for option in overrides { suite.overrides.append(try reader.override(option)) }
    return suite
  }
}

/// Turns YAML nodes into a `Suite`; every mistake is thrown with its place.
struct SuiteReader {
  let file: String
  let text: String
  let vocabulary: SuiteVocabulary

  /// More cells than this in a cross are a slip, not a plan.
  private static let cellsMax = 10_000.0

  private enum Key: String, CaseIterable {
    case suite, question, repeats
    case repeatsMax = "repeats_max"
    case timeMax = "time_max"
    case detect, margin, warmup, until, seed, headline, also, baseline, defaults, axes, crosses,
      search
  }
  private enum CrossKey: String, CaseIterable { case with, axes, metrics, contrast, bound }
  private enum BoundKey: String, CaseIterable { case max, min }

  func suite() throws(SuiteError) -> Suite {
    guard let root = try parse() else { throw SuiteError(.file(file), "the suite is empty") }
    var suite = Suite(name: "")
    suite.firstBackend = vocabulary.backends.first ?? ""
    suite.firstTransfer = vocabulary.transfers.first ?? ""
    suite.text = text
    for (keyNode, value) in try entries(root, of: "a suite") {
      guard let key = Key(rawValue: keyNode.word) else {
        throw error(keyNode, Spelling.unknown("key", keyNode.word, accepted: Key.names))
      }
      switch key {
      case .suite: suite.name = try name(value)
      case .question: suite.question = try scalar(value, key.rawValue)
      case .repeats: suite.repeats = Int(try number(value, key.rawValue, 1...1000))
      case .repeatsMax:
        suite.repeatsMax = Int(try number(value, key.rawValue, 1...1000))
      case .detect: suite.detectPercent = Int(try number(value, key.rawValue, 1...1000))
      case .margin: suite.marginPercent = Int(try number(value, key.rawValue, 1...100))
      case .timeMax: suite.millisecondsMax = try duration(value, key.rawValue, 1...86_400_000)
      case .search: suite.search = try search(value)
      case .warmup: suite.warmup = Int(try number(value, key.rawValue, 0...100))
      case .until:
        let word = try scalar(value, key.rawValue)
        guard word == "steady" else {
          throw error(value, "until: " + Spelling.unknown("end", word, accepted: ["steady"]))
        }
        suite.warmsUpUntilSteady = true
      case .seed: suite.seed = UInt64(try number(value, key.rawValue, 0...Int64.max))
      case .headline: suite.headline = try headline(value)
      case .also: suite.also = try metrics(value, key.rawValue)
      case .baseline: suite.baseline = try settings(value, "baseline")
      case .defaults: suite.defaults = try settings(value, "defaults")
      case .axes: suite.axes = try axes(value)
      case .crosses: suite.crosses = try crosses(value)
      }
    }
    if let most = suite.repeatsMax, most < suite.repeats {
      throw SuiteError(
        .file(file), "repeats_max (\(most)) is less than repeats (\(suite.repeats))")
    }
    if suite.warmsUpUntilSteady && suite.warmup < Steadiness.window {
      throw SuiteError(
        .file(file),
        "until: steady needs a warmup of \(Steadiness.window) or more, found \(suite.warmup): so many trials "
          + "of each cell are looked at")
    }
    if suite.search != nil, !suite.expandedCells().contains(where: \.parameters.isOpenLoop) {
      throw SuiteError(
        .file(file),
        "search: needs arrivals at a rate: a target embedded, stream or generator with arrival "
          + "uniform or poisson")
    }
    try checkQuestions(suite)
    if suite.name.isEmpty { throw SuiteError(.file(file), "the key 'suite' (its name) is missing") }
    return suite
  }

  /// Checks one `key=value` of `--set`.
  func override(_ option: String) throws(SuiteError) -> Setting {
    let place = SuiteError.Place.option("--set \(option)")
    let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw SuiteError(place, "write key=value, such as --set bytes=64MiB")
    }
    guard let key = ParameterKey(rawValue: String(parts[0])) else {
      let problem = Spelling.unknown("key", String(parts[0]), accepted: ParameterKey.names)
      throw SuiteError(place, problem)
    }
    do { return try Setting(key, String(parts[1]), vocabulary) } catch {
      throw SuiteError(place, error.text)
    }
  }

  private func settings(_ node: Node, _ what: String) throws(SuiteError) -> [Setting] {
    var settings: [Setting] = []
    for (keyNode, value) in try entries(node, of: what) {
      let key = try parameterKey(keyNode)
      if key.isLength, let other = settings.first(where: { $0.key.isLength }) {
        throw error(
          keyNode,
          "'\(key.rawValue)' and '\(other.key.rawValue)' both say how long a trial is; keep one")
      }
      settings.append(try setting(key, value))
    }
    return settings
  }

  private func axes(_ node: Node) throws(SuiteError) -> [Suite.Axis] {
    var axes: [Suite.Axis] = []
    for (keyNode, value) in try entries(node, of: "axes") {
      let key = try parameterKey(keyNode)
      guard case .sequence(let values) = value else {
        throw error(value, "the axis '\(key.rawValue)' needs a list of values, such as [a, b]")
      }
      if values.isEmpty { throw error(value, "the axis '\(key.rawValue)' has no values") }
      var settings: [Setting] = []
      for item in values {
        let setting = try setting(key, item)
        if settings.contains(setting) {
          throw error(item, "the axis '\(key.rawValue)' has '\(item.word)' twice")
        }
        settings.append(setting)
      }
      axes.append(Suite.Axis(key: key, settings: settings))
    }
    return axes
  }

  private func crosses(_ node: Node) throws(SuiteError) -> [Suite.Cross] {
    var crosses: [Suite.Cross] = []
    for (nameNode, body) in try entries(node, of: "crosses") {
      var with: [Setting] = []
      var axes: [Suite.Axis] = []
      var contrast: ParameterKey?
      var bound: Suite.Bound?
      var metrics: [Metric]?
      for (keyNode, value) in try entries(body, of: "a cross") {
        switch CrossKey(rawValue: keyNode.word) {
        case .with: with = try settings(value, "with")
        case .axes: axes = try self.axes(value)
        case .metrics: metrics = try self.metrics(value, "metrics")
        case .contrast: contrast = try parameterKey(value)
        case .bound: bound = try self.bound(value)
        case nil:
          throw error(keyNode, Spelling.unknown("key", keyNode.word, accepted: CrossKey.names))
        }
      }
      if axes.isEmpty { throw error(nameNode, "the cross '\(nameNode.word)' has no axes") }
      let cells = axes.reduce(1.0) { $0 * Double($1.settings.count) }
      if cells > Self.cellsMax {
        throw error(
          nameNode, "the cross '\(nameNode.word)' has more than \(Int(Self.cellsMax)) cells")
      }
      if let contrast, !axes.contains(where: { $0.key == contrast && $0.settings.count > 1 }) {
        throw error(
          nameNode,
          "the cross '\(nameNode.word)' has no axis '\(contrast.rawValue)' of two values or more to "
            + "contrast")
      }
      crosses.append(
        Suite.Cross(
          name: nameNode.word, with: with, axes: axes, contrast: contrast, bound: bound,
          metrics: metrics))
    }
    return crosses
  }

  private func bound(_ node: Node) throws(SuiteError) -> Suite.Bound {
    let all = try entries(node, of: "bound")
    guard let (keyNode, value) = all.first, all.count == 1 else {
      throw error(node, "bound: expected one of max and min, such as {max: 1.5}")
    }
    guard let key = BoundKey(rawValue: keyNode.word) else {
      throw error(keyNode, Spelling.unknown("key", keyNode.word, accepted: BoundKey.names))
    }
    let text = try scalar(value, key.rawValue)
    guard let limit = Double(text), (0.001...1000).contains(limit) else {
      throw error(value, "bound: found '\(text)', expected a ratio from 0.001 to 1000")
    }
    return key == .max ? .max(limit) : .min(limit)
  }

  /// Bounds and contrasts are about ratios to the baseline, and each question has a name of its
  /// own.
  private func checkQuestions(_ suite: Suite) throws(SuiteError) {
    if suite.also.contains(suite.headline) {
      throw SuiteError(.file(file), "also: '\(suite.headline.rawValue)' is the headline already")
    }
    let plan = SuitePlan(suite)
    for (number, family) in plan.families.enumerated() {
      if plan.families.prefix(number).contains(where: { $0.name == family.name }) {
        throw SuiteError(
          .file(file), "the cross '\(family.name)' has the name of an axis; choose another")
      }
    }
    for cross in suite.crosses {
      let asks = cross.bound != nil ? "bound" : cross.contrast != nil ? "contrast" : nil
      if let asks, suite.baseline.isEmpty {
        throw SuiteError(
          .file(file), "the cross '\(cross.name)' has a \(asks), which needs the key 'baseline'")
      }
      if let key = cross.contrast, suite.baseline.contains(where: { $0.key == key }) {
        throw SuiteError(
          .file(file),
          "the cross '\(cross.name)' contrasts '\(key.rawValue)', which the baseline fixes; choose "
            + "another axis")
      }
    }
    if let cross = plan.emptyQuestion {
      throw SuiteError(
        .file(file),
        "the cross '\(cross)' has a bound or a contrast, and no cell whose baseline is a cell of the "
          + "suite; add the baseline's values to its axes")
    }
  }

  private enum SearchKey: String, CaseIterable { case limit, percentile, from, to }

  private func search(_ node: Node) throws(SuiteError) -> RateSearch {
    var search = RateSearch()
    for (keyNode, value) in try entries(node, of: "search") {
      switch SearchKey(rawValue: keyNode.word) {
      case .limit:
        search.limitMicroseconds = Double(try duration(value, "limit", 1...3_600_000) * 1000)
      case .percentile:
        let text = try scalar(value, "percentile")
        guard let percentile = RateSearch.Percentile(rawValue: text) else {
          throw error(
            value, Spelling.unknown("percentile", text, accepted: RateSearch.Percentile.names))
        }
        search.percentile = percentile
      case .from: search.from = try number(value, "from", 1...1_000_000_000)
      case .to: search.to = try number(value, "to", 1...1_000_000_000)
      case nil:
        throw error(keyNode, Spelling.unknown("key", keyNode.word, accepted: SearchKey.names))
      }
    }
    if search.from >= search.to {
      throw error(node, "search: 'from' (\(search.from)) must be below 'to' (\(search.to))")
    }
    return search
  }

  private func parameterKey(_ node: Node) throws(SuiteError) -> ParameterKey {
    if let key = ParameterKey(rawValue: node.word) { return key }
    throw error(node, Spelling.unknown("key", node.word, accepted: ParameterKey.names))
  }

  private func setting(_ key: ParameterKey, _ node: Node) throws(SuiteError) -> Setting {
    let text = try scalar(node, key.rawValue)
    do { return try Setting(key, text, vocabulary) } catch {
      throw self.error(node, "\(key.rawValue): \(error.text)")
    }
  }

  /// A suite's name becomes part of a folder's.
  private func name(_ node: Node) throws(SuiteError) -> String {
    let name = try scalar(node, "suite")
    let isPlain = name.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == ".")
    }
    if isPlain, !name.isEmpty, name.first != ".", name.count <= 64 { return name }
    throw error(node, "suite: '\(name)' names a folder; use up to 64 letters, digits, - and _")
  }

  private func metrics(_ node: Node, _ key: String) throws(SuiteError) -> [Metric] {
    guard case .sequence(let values) = node else {
      throw error(node, "'\(key)' needs a list of metrics, such as [cpu_s_per_gb]")
    }
    if values.isEmpty && key == CrossKey.metrics.rawValue {
      throw error(node, "'\(key)' is empty; name a metric, or leave the key out")
    }
    var metrics: [Metric] = []
    for value in values {
      let metric = try headline(value)
      if metrics.contains(metric) { throw error(value, "\(key): '\(value.word)' is there twice") }
      metrics.append(metric)
    }
    return metrics
  }

  private func headline(_ node: Node) throws(SuiteError) -> Metric {
    let text = try scalar(node, "headline")
    if let metric = Metric(rawValue: text), Metric.comparable.contains(metric) { return metric }
    let names = Metric.comparable.map(\.rawValue)
    throw error(node, "headline: " + Spelling.unknown("metric", text, accepted: names))
  }

  private func number(
    _ node: Node, _ key: String, _ range: ClosedRange<Int64>
  ) throws(SuiteError) -> Int64 {
    let text = try scalar(node, key)
    do { return try Quantity.count.value(of: text, in: range) } catch {
      throw self.error(node, "\(key): \(error.text)")
    }
  }

  /// In milliseconds.
  private func duration(
    _ node: Node, _ key: String, _ range: ClosedRange<Int64>
  ) throws(SuiteError) -> Int64 {
    let text = try scalar(node, key)
    do { return try Quantity.milliseconds.value(of: text, in: range) } catch {
      throw self.error(node, "\(key): \(error.text)")
    }
  }

  private func scalar(_ node: Node, _ key: String) throws(SuiteError) -> String {
    guard case .scalar(let scalar) = node else {
      throw error(node, "\(key): expected one value, not a list or a mapping")
    }
    if scalar.string.isEmpty { throw error(node, "\(key): a value is missing") }
    return scalar.string
  }

  private func entries(_ node: Node, of what: String) throws(SuiteError) -> [(Node, Node)] {
    guard case .mapping(let mapping) = node else {
      throw error(node, "\(what): expected keys and values ('key: value')")
    }
    return mapping.map { ($0.key, $0.value) }
  }

  private func error(_ node: Node, _ problem: String) -> SuiteError {
    guard let mark = node.mark else { return SuiteError(.file(file), problem) }
    return SuiteError(.line(file: file, line: mark.line, column: mark.column), problem)
  }
}

extension SuiteReader {
  private func parse() throws(SuiteError) -> Node? {
    do {
      return try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw syntaxError(error)
    } catch {
      throw SuiteError(.file(file), "not YAML: \(error)")
    }
  }

  private func syntaxError(_ error: YamlError) -> SuiteError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return at(mark, "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.sorted().first ?? ""
      let place = repetition(of: key, after: context.mark)
      return SuiteError(place, "duplicate key '\(key)'")
    case .reader(let problem, _, _, _), .writer(let problem), .emitter(let problem),
      .representer(let problem):
      return SuiteError(.file(file), "not YAML: \(problem)")
    case .no, .memory, .dataCouldNotBeDecoded:
      return SuiteError(.file(file), "not YAML: \(error)")
    }
  }

  private func at(_ mark: Mark, _ problem: String) -> SuiteError {
    SuiteError(.line(file: file, line: mark.line, column: mark.column), problem)
  }

  /// The parser marks a duplicate's first place; the second is where the eye looks.
  private func repetition(of key: String, after mark: Mark) -> SuiteError.Place {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where index >= mark.line {
      if line.dropFirst(mark.column - 1).hasPrefix(key + ":") {
        return .line(file: file, line: index + 1, column: mark.column)
      }
    }
    return .line(file: file, line: mark.line, column: mark.column)
  }
}

extension Node {
  /// A scalar's text; something to print for other nodes.
  fileprivate var word: String {
    switch self {
    case .scalar(let scalar): scalar.string
    case .mapping: "{…}"
    case .sequence: "[…]"
    case .alias: "*…"
    }
  }
}

extension CaseIterable where Self: RawRepresentable, RawValue == String {
  static var names: [String] { allCases.map(\.rawValue) }
}
