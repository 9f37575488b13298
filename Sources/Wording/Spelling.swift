/// Finds the name that was probably meant.
package enum Spelling {
  /// `unknown key 'durabilty' (nearest: 'durability'); accepted: …`
  package static func unknown(_ kind: String, _ word: String, accepted: [String]) -> String {
    let hint = nearest(to: word, in: accepted).map { " (nearest: '\($0)')" } ?? ""
    return "unknown \(kind) '\(word)'\(hint); accepted: \(accepted.joined(separator: ", "))"
  }

  /// The first of the names with the fewest edits; nil where there are none.
  package static func nearest(to word: String, in names: [String]) -> String? {
    // A word too long to be a name is cut: the distance costs the product of the lengths.
    let word = Array(word.prefix(64).lowercased())
    var best: (name: String, edits: Int)?
    for name in names {
      let edits = edits(from: word, to: Array(name.lowercased()))
      if edits < best?.edits ?? Int.max { best = (name, edits) }
    }
    return best?.name
  }

  /// The same where it can have been meant: at most two edits away, or a third of the word.
  package static func near(_ word: String, in names: [String]) -> String? {
    guard let name = nearest(to: word, in: names) else { return nil }
    let edits = edits(from: Array(word.prefix(64).lowercased()), to: Array(name.lowercased()))
    return edits <= max(2, word.count / 3) ? name : nil
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
  static func edits(from a: [Character], to b: [Character]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i] + [Int](repeating: 0, count: b.count)
      for j in 1...b.count {
        let same = a[i - 1] == b[j - 1]
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          row[j] = min(row[j], beforeLast[j - 2] + 1)
        }
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
