import LinuxIO

extension SimulatedFile {
  /// The file as a power cut leaves it.
  ///
  /// Every granule that a change touched comes back as it was before all changes or after one of
  /// them, each granule for itself. Size changes are journaled: a prefix of them survives, and of
  /// the first growth that does not, perhaps a part. A file system does not hand out the blocks
  /// that a truncation freed before that truncation is on the disk; so what was written there
  /// after it survives only with it.
  func afterPowerCut(
    _ survival: SurvivalOdds, granuleSectors: Int, _ random: inout SeededGenerator
  ) -> SimulatedFile {
    if changes.isEmpty && orphans.isEmpty {
      return SimulatedFile(durable: durable, size: durableSize, space: durableSpace)
    }
    var seen = durable
    var left = durable
    for sector in orphans.keys.sorted() {
      guard let bytes = orphans[sector] else { continue }
      seen.setSector(sector, to: bytes)
      if random.chance(survival.probability) { left.setSector(sector, to: bytes) }
    }
    var leftSize = durableSize
    var journalEnded = false
    var unlinkedFrom = Int.max
    for change in changes {
      switch change {
      case .resize(let from, let to):
        if to < from { seen.truncate(to: to) }
        if !journalEnded && random.chance(survival.probability) {
          if to < from { left.truncate(to: to) }
          leftSize = to
        } else {
          if !journalEnded && to > from && random.chance(survival.tearing) {
            leftSize = partialSize(from: from, to: to, &random)
          }
          journalEnded = true
          if to < from {
            let page = (to + PageTable.pageBytes - 1) / PageTable.pageBytes
            unlinkedFrom = min(unlinkedFrom, page * PageTable.pageBytes / PageTable.sectorBytes)
          }
        }
      case .write(let position, let bytes, let isDirect):
        bytes.withUnsafeBytes { seen.write($0, at: position) }
        let range = position..<(position + bytes.count)
        let fate = isDirect ? directFate(survival, &random) : nil
        let sectors = PageTable.sectors(of: range)
        var sector = sectors.lowerBound
        while sector < sectors.upperBound {
          // The page cache writes whole granules, a direct write the sectors that it was given.
          let unit = isDirect ? 1 : granuleSectors
          let start = sector / unit * unit
          let end = start + unit
          if fate ?? random.chance(survival.probability) {
            for index in start..<end where index < unlinkedFrom {
              left.copySector(index, from: seen)
            }
          }
          sector = end
        }
      }
    }
    left.truncate(to: leftSize)
    return SimulatedFile(durable: left, size: leftSize, space: durableSpace)
  }

  /// A direct write went to the device as one request: kept, lost, or torn (nil) by sectors.
  private func directFate(
    _ survival: SurvivalOdds, _ random: inout SeededGenerator
  ) -> Bool? {
    if random.chance(survival.tearing) { return nil }
    return random.chance(survival.probability)
  }

  private func partialSize(
    from: Int, to: Int, _ random: inout SeededGenerator
  ) -> Int {
    let size = from + random.below(to - from)
    if random.chance(0.5) { return size }
    return max(from, size / PageTable.pageBytes * PageTable.pageBytes)
  }
}

/// How a power cut treats what was not synchronized.
struct SurvivalOdds: Sendable {
  /// That one unsynchronized thing survives.
  var probability: Double
  /// That a direct write is torn, or a growth survives in part.
  var tearing: Double
}
