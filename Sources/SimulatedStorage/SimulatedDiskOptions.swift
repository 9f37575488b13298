import LinuxIO

/// What kind of disk is simulated.
package struct SimulatedDiskOptions: Hashable, Sendable {
  /// The unit that a power cut tears buffered writes at. Direct writes are always torn at sectors.
  package enum Granule: Hashable, Sendable { case sector, page }

  /// What O_DIRECT asks; nil where it is not supported, and then a direct open fails with EINVAL.
  package var directAlignment: DirectAlignment?
  package var granule: Granule
  /// For when, and in what order, a ring's operations run and are answered.
  package var ringSeed: UInt64
  /// Whether the file system knows RWF_DONTCACHE.
  package var hasUncachedWrites = true

  package init(
    directAlignment: DirectAlignment? = DirectAlignment(memory: 512, offset: 4096),
    granule: Granule = .sector, ringSeed: UInt64 = 0
  ) {
    self.directAlignment = directAlignment
    self.granule = granule
    self.ringSeed = ringSeed
  }
}

/// What a power cut does to that which was not synchronized.
package enum Survival: Hashable, Sendable {
  /// The seed chooses: now and then nothing or everything survives, mostly some share of it.
  case seeded
  /// Only what was synchronized survives.
  case guaranteed
  /// Everything survives.
  case everything
  /// Each thing survives with this probability.
  case share(Double)

  func odds(_ random: inout SeededGenerator) -> SurvivalOdds {
    switch self {
    case .guaranteed: SurvivalOdds(probability: 0, tearing: 0)
    case .everything: SurvivalOdds(probability: 1, tearing: 0)
    case .share(let share): SurvivalOdds(probability: share, tearing: 0.5)
    case .seeded:
      switch random.below(8) {
      case 0: SurvivalOdds(probability: 0, tearing: 0)
      case 1: SurvivalOdds(probability: 1, tearing: 0)
      default: SurvivalOdds(probability: random.fraction(), tearing: random.fraction())
      }
    }
  }
}
