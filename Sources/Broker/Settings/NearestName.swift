/// Finds the name that was probably meant.
enum NearestName {
  /// The first of the names with the fewest edits; nil where there are none.
  static func of(_ word: String, in names: [String]) -> String? {
    // A word too long to be a name is cut: the distance costs the product of the lengths.
    let word = Array(word.unicodeScalars.prefix(64))
    var best: (name: String, edits: Int)?
    for name in names {
      let edits = edits(from: word, to: Array(name.unicodeScalars))
      if edits < best?.edits ?? Int.max { best = (name, edits) }
    }
    return best?.name
  }

  /// Insertions, deletions and replacements (Levenshtein).
  private static func edits(from a: [Unicode.Scalar], to b: [Unicode.Scalar]) -> Int {
    var last = Array(0...b.count)
    for (i, left) in a.enumerated() {
      var row = [i + 1]
      for (j, right) in b.enumerated() {
        row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (left == right ? 0 : 1)))
      }
      last = row
    }
    return last[b.count]
  }
}
