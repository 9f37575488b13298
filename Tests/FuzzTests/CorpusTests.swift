import Foundation
import FuzzTargets
import TestSupport
import Testing

/// The inputs that are kept: what fuzzing is begun with, what it found, and what reached furthest.
struct KeptInput: Sendable, CustomTestStringConvertible {
  static let folder = TemporaryDirectory.packageRoot + "/Tests/Fuzzing/Corpus"

  let name: String
  let bytes: [UInt8]
  var testDescription: String { name }

  static func all(for target: FuzzTarget) throws -> [KeptInput] {
    let folder = "\(folder)/\(target.rawValue)"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
      return KeptInput(name: name, bytes: Array(bytes))
    }
  }
}

@Suite("The kept corpus")
struct CorpusTests {
  @Test(
    "no kept input breaks a promise",
    .enabled(if: TestBuild.isOptimized, "runs long: in release builds"),
    arguments: FuzzTarget.allCases)
  func replay(_ target: FuzzTarget) throws {
    let inputs = try KeptInput.all(for: target)
    #expect(inputs.count > 10, "\(target) has a corpus")
    for input in inputs {
      do throws(FuzzViolation) { try target.run(input.bytes) } catch {
        Issue.record("Tests/Fuzzing/Corpus/\(target.rawValue)/\(input.name): \(error)")
      }
    }
  }

  @Test("the seeds are kept as they are made", arguments: FuzzTarget.allCases)
  func keepsSeeds(_ target: FuzzTarget) throws {
    let kept = try KeptInput.all(for: target).filter { $0.name.hasPrefix("seed-") }
    let seeds = FuzzSeed.all(for: target)
    #expect(
      Set(kept.map(\.name)) == Set(seeds.map(\.name)),
      "Scripts/fuzz \(target.rawValue) --seeds writes them anew")
    for seed in seeds {
      #expect(kept.first { $0.name == seed.name }?.bytes == seed.bytes, "\(seed.name)")
    }
  }

  @Test("the corpus is small", arguments: FuzzTarget.allCases)
  func isSmall(_ target: FuzzTarget) throws {
    let inputs = try KeptInput.all(for: target)
    #expect(inputs.count <= 600)
    #expect(inputs.reduce(0) { $0 + $1.bytes.count } <= 1 << 20)
  }
}
