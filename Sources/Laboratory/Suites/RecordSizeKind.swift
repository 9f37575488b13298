/// How the sizes of synthetic records vary around `record_bytes`.
package enum RecordSizeKind: String, CaseIterable, Hashable, Sendable, Codable {
  case fixed
  /// Evenly between nothing and twice the mean.
  case uniform
  /// Log-normal with a sigma of 1: most are smaller than the mean, a few much larger.
  case lognormal
}
