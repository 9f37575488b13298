import FuzzTargets
import Glibc

/// libFuzzer's own main, with the function that it calls for every input.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ runOne: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// `RunFuzzTarget …`, with libFuzzer's arguments, or with VARVE_FUZZ_SEEDS=FOLDER to write the seeds
/// there. VARVE_FUZZ_TARGET names the target; in the environment, since libFuzzer starts this program
/// again with arguments of its own. With VARVE_FUZZ_DESCRIBE it says what an input stands for.
@main
struct Driver {
  private static let target = variable("VARVE_FUZZ_TARGET").flatMap(FuzzTarget.init(rawValue:))
  private static let isDescribing = variable("VARVE_FUZZ_DESCRIBE") != nil

  static func main() {
    guard let target else {
      let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
      fatalError("VARVE_FUZZ_TARGET names no target; expected one of \(names)")
    }
    if let folder = variable("VARVE_FUZZ_SEEDS") { return writeSeeds(of: target, folder) }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(
      runFuzzer(&count, &arguments) { data, count in
        Driver.run(Array(UnsafeBufferPointer(start: data, count: count)))
        return 0
      })
  }

  private static func run(_ input: [UInt8]) {
    guard let target else { return }
    if isDescribing {
      print(target.describe(input))
      fflush(nil)
    }
    do throws(FuzzViolation) { try target.run(input) } catch {
      // The one way to tell libFuzzer that this input is to be kept.
      fatalError("\(error)")
    }
  }

  private static func writeSeeds(of target: FuzzTarget, _ folder: String) {
    for seed in FuzzSeed.all(for: target) {
      guard let file = fopen("\(folder)/\(seed.name)", "wb") else {
        fatalError("\(folder)/\(seed.name) cannot be written")
      }
      fwrite(seed.bytes, 1, seed.bytes.count, file)
      fclose(file)
    }
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
