import LogStorage
import Measurements
import Suites
import Targets
import Trials

/// Tries what can only be known by trying: the smallest trial of each backend, preallocation and
/// transfer path.
struct MachineTrials {
  private let context: LaboratoryContext
  private let runner: TrialRunner

  init(_ context: LaboratoryContext, _ folder: String) {
    self.context = context
    runner = TrialRunner(
      suite: "doctor", commit: "", context: context, directory: folder, stop: StopFlag())
  }

  func backends() -> [MachineReport.Finding] {
    context.backends.map { backend in
      var parameters = smallest
      parameters.backend = backend.name
      return finding("backend", backend.name, parameters)
    }
  }

  /// By the first backend, which leaves everything to the kernel.
  func preallocations() -> [MachineReport.Finding] {
    guard let backend = context.backends.first else { return [] }
    return backend.capabilities.preallocations.filter { $0 != .none }.map { way in
      var parameters = smallest
      parameters.preallocation = way
      return finding("preallocation", way.rawValue, parameters)
    }
  }

  func transfers() -> [MachineReport.Finding] {
    var transfer = smallest
    transfer.target = TargetName.transfer
    var findings = context.transfers.map { path in
      var parameters = transfer
      parameters.transfer = path.name
      return finding("transfer path", path.name, parameters)
    }
    for network in [Network.unix, .veth] {
      var parameters = transfer
      parameters.network = network
      findings.append(finding("network", network.rawValue, parameters))
    }
    return findings
  }

  private var smallest: TrialParameters {
    var parameters = TrialParameters()
    parameters.target = TargetName.log
    parameters.backend = context.backends.first?.name ?? ""
    parameters.transfer = context.transfers.first?.name ?? ""
    parameters.batchBytes = 16 << 10
    parameters.length = .bytes(64 << 10)
    parameters.durability = .batch
    parameters.drain = false
    parameters.memory = .cold
    return parameters
  }

  private func finding(
    _ group: String, _ name: String, _ parameters: TrialParameters
  ) -> MachineReport.Finding {
    let trial = SuitePlan.Trial(cell: 0, block: 0, position: 0)
    guard let result = runner.run(trial, parameters)?.result else {
      return MachineReport.Finding(group, name, false, "the trial was stopped")
    }
    return MachineReport.Finding(
      group, name, result.status.isMeasured, result.reason ?? "a trial of 64 KiB works")
  }
}
