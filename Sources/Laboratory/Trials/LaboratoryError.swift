import LinuxIO

/// Why a suite could not run or keep its results; a trial that fails is a row instead.
package enum LaboratoryError: Error, Hashable, Sendable, CustomStringConvertible {
  case results(SystemCallError)
  case resultsExist(String)
  case foreignPage(String)
  case data(SystemCallError)
  case cannotResume(String)
  case baseBuild(String)
  case other(String)

  package var description: String {
    switch self {
    case .results(let error):
      "cannot write the results: \(error); choose another place with --out DIR"
    case .resultsExist(let path):
      "\(path) already holds a run's trials.csv; go on with it by --resume, or choose another place "
        + "with --out DIR"
    case .foreignPage(let path):
      "\(path) lacks the two comment lines between which varve writes, so it stays as it is; move it "
        + "away, put both lines back, or choose another folder"
    case .data(let error): "cannot use the trials' data directory: \(error)"
    case .cannotResume(let problem): "cannot go on with the run: \(problem)"
    case .baseBuild(let problem):
      "the build of --against cannot run this suite's trials (\(problem)); builds that are compared "
        + "must understand each other's trials"
    case .other(let problem): problem
    }
  }
}
