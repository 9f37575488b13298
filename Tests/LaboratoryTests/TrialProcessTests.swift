import Foundation
import Suites
import Testing
import Trials

/// What another build, which may be older, answers to a trial.
struct TrialProcessTests {
  private func request(logThreads: Int) -> TrialProcess.Request {
    var parameters = TrialParameters()
    parameters.logThreads = logThreads
    let trial = SuitePlan.Trial(cell: 0, block: 1, position: 1)
    return TrialProcess.Request(
      suite: "s", commit: "", directory: "", trial: trial, parameters: parameters, seed: 1,
      countsCalls: false)
  }

  /// The answer of a build that has no `log_threads`.
  private func answer(to request: TrialProcess.Request) throws -> [UInt8] {
    let report = TrialReport(
      TrialResult(
        suite: request.suite, trial: request.trial, commit: "", parameters: request.parameters))
    let whole = String(
      decoding: try JSONEncoder().encode(TrialProcess.Reply(report: report)), as: UTF8.self)
    let text = whole.replacing(/"logThreads":\d+,?/, with: "").replacing(",}", with: "}")
    #expect(text.count < whole.count)
    return Array(text.utf8)
  }

  @Test func `A parameter that an older build does not have is its default`() throws {
    let request = request(logThreads: 1)
    let reply = try TrialProcess.reply(in: answer(to: request), to: request)
    #expect(reply.report?.result.parameters == request.parameters)
  }

  @Test func `A trial that sets a parameter is not compared with a build that lacks it`() throws {
    let request = request(logThreads: 4)
    let error = #expect(throws: UnknownParameter.self) {
      try TrialProcess.reply(in: answer(to: request), to: request)
    }
    #expect(error?.name == "logThreads")
    #expect(error?.value == "4")
  }
}
