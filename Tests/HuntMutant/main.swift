import CrashLaboratory
import Glibc
import TestSupport

// Runs histories until one fails, and says at which seed: for Scripts/mutants, which builds this over a
// wrong variant of the product.
//   HuntMutant SEEDS
// Prints `found <seed> <promise> <steps of the reduced history>`, or `not found`; status 0, or 1.

guard CommandLine.arguments.count == 2, let seeds = UInt64(CommandLine.arguments[1]), seeds > 0
else {
  print("usage: HuntMutant SEEDS")
  exit(2)
}
let backends = BackendUnderTest.shipping.map(\.crashBackend)
let campaign = Campaign(HistoryGenerator(backends), seeds: 0..<seeds)
do {
  guard let failure = try campaign.run().failure else {
    print("not found")
    exit(1)
  }
  let reduction = Reduction(failure.history, failure.violation, backends)
  print(
    "found \(failure.history.seed) \(failure.violation.promise.rawValue) "
      + "\(reduction.history.steps.count)")
  for line in HistoryAccount(backends).describe(reduction, of: failure.history) { print(line) }
} catch {
  print("HuntMutant: \(error)")
  exit(2)
}
