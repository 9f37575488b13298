import Statistics

/// A benchmark suite: a question, and the trials that answer it.
///
/// ```yaml
/// suite: quick                  # its name, in folders and CSV
/// question: "Which backend appends faster here?"
/// repeats: 5                    # measured trials of each cell, one in each block
/// repeats_max: 20               # more blocks, up to so many, until `detect` would be found
/// detect: 10                    # per cent: the smallest difference that is worth finding
/// time_max: 10min               # no block past `repeats` begins after this time
/// margin: 5                     # per cent: what is inside it is equivalent; see Metric
/// warmup: 1                     # discarded trials of each cell before them
/// until: steady                 # fewer of them, where every cell is steady earlier; see Steadiness
/// seed: 1                       # of the order within blocks, and of the bootstrap
/// headline: mb_per_s            # the metric that decides, see Metric
/// also: [cpu_s_per_gb]          # metrics that are compared beside it
/// baseline: {backend: buffered} # each cell is compared with itself, changed in these keys
/// defaults: {durability: none, batch_bytes: 1MiB, bytes: 1GiB}       # see ParameterKey
/// axes:                         # a star: one axis at a time leaves the defaults
///   backend: [buffered, direct]
///   durability: [none, batch]
/// crosses:                      # every combination of these axes, over the defaults and `with`
///   sync-small:
///     with: {batch_bytes: 16KiB, durability: batch, bytes: 32MiB}
///     axes: {backend: [buffered, direct], target: [log, syscalls]}
///     metrics: [service_p99_us] # what it compares, the deciding one first, in place of the suite's
///     contrast: target          # does this axis change the ratios to the baseline?
///     bound: {min: 0.95}        # ask whether the ratios to the baseline keep to it
/// search: {limit: 10ms, percentile: p99, from: 1000, to: 1000000}  # instead of one rate, see RateSearch
/// ```
/// Only `suite` is required. Without `axes` and `crosses` the defaults are the one cell; with
/// crosses alone, the defaults are not a cell of their own. A cell that comes up twice runs once.
/// Sizes are `64KiB`, `1MB` or plain bytes, durations `10ms`. `bytes`, `batches` and `records`
/// say how long a trial is: one of them at a time.
///
/// A cell of the target `syscalls` is the reference of the `log` cell that is like it otherwise,
/// and one of `syscalls-transfer` that of `transfer` cells (what bare calls do not know aside:
/// payload and record size, and of a file that is sent, how a log was written).
package struct Suite: Hashable, Sendable {
  /// One key and the values that it takes.
  package struct Axis: Hashable, Sendable {
    package let key: ParameterKey
    package let settings: [Setting]
  }

  /// Every combination of the axes, over the defaults and `with`.
  package struct Cross: Hashable, Sendable {
    package let name: String
    package let with: [Setting]
    package let axes: [Axis]
    /// Does this axis change the ratios to the baseline?
    package let contrast: ParameterKey?
    package let bound: Bound?
    /// What it compares, the deciding metric first; nil for the suite's.
    package let metrics: [Metric]?

    /// The value that the others of the contrasted axis are held against.
    var firstContrast: Setting? {
      axes.first { $0.key == contrast }?.settings.first
    }
  }

  /// What a ratio to the baseline is to keep to.
  package enum Bound: Hashable, Sendable {
    case max(Double)
    case min(Double)

    package var question: RatioQuestion {
      switch self {
      case .max(let limit): .atMost(limit)
      case .min(let limit): .atLeast(limit)
      }
    }
  }

  package var name: String
  package var question = ""
  package var repeats = 5
  /// Blocks at most, where `repeats` of them would not find a difference of `detectPercent`; nil
  /// for `repeats` whatever they find.
  package var repeatsMax: Int?
  /// The smallest difference of the headline that is worth finding, in per cent.
  package var detectPercent = 10
  /// No block past `repeats` begins after so long; nil for no limit.
  package var millisecondsMax: Int64?
  /// Ratios within so many per cent of 1 are equivalent; nil for each metric's default.
  package var marginPercent: Int?
  /// Blocks before the measured ones, whose trials are discarded.
  package var warmup = 1
  /// Warm-up ends earlier where every cell is steady, and after `warmup` blocks at the latest.
  package var warmsUpUntilSteady = false
  package var seed: UInt64 = 1
  package var headline = Metric.megabytesPerSecond
  /// Metrics that have verdicts of their own beside it.
  package var also: [Metric] = []
  package var baseline: [Setting] = []
  package var defaults: [Setting] = []
  /// The backend of a cell that names none: the program's first.
  package var firstBackend = ""
  /// Likewise its transfer path.
  package var firstTransfer = ""
  package var axes: [Axis] = []
  package var crosses: [Cross] = []
  /// Each trial searches for the highest rate that keeps to a bound.
  package var search: RateSearch?
  /// What `--set` said: stronger than defaults, `with` and axes. An axis of such a key has this
  /// one value.
  package var overrides: [Setting] = []
  /// The file's text, kept with the result.
  package var text = ""

  /// The headline and what else the suite compares, each once.
  package var metrics: [Metric] {
    let all = [headline] + also + crosses.flatMap { $0.metrics ?? [] }
    return all.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  package func margin(of metric: Metric) -> Double {
    marginPercent.map { Double($0) / 100 } ?? metric.defaultMargin
  }
}
