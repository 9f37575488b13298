import Foundation
import LogStorage

/// The columns of `trials.csv`, by their names there, in their order.
///
/// Units are in the names. MB and GB are powers of ten, MiB a power of two. An empty cell is
/// unknown or does not apply; it is never zero.
package enum TrialColumn: String, CaseIterable, Sendable {
  case suite
  case trialID = "trial_id"
  case block, position, status, reason, commit, target, backend, transfer, receiver, cache, network
  case connections
  case callBytes = "call_bytes"
  case durability
  case queueDepth = "queue_depth"
  case preallocation, payload
  case recordBytes = "record_bytes"
  case batchBytes = "batch_bytes"
  case partitions, producers, consumers
  case lingerMilliseconds = "linger_ms"
  case arrival
  case offeredRecordsPerSecond = "offered_records_per_s"
  case achievedRecordsPerSecond = "achieved_records_per_s"
  case records, bytes, seconds
  case megabytesPerSecond = "mb_per_s"
  case responseP50 = "response_p50_us"
  case responseP99 = "response_p99_us"
  case responseP999 = "response_p999_us"
  case responseMax = "response_max_us"
  case serviceP50 = "service_p50_us"
  case serviceP99 = "service_p99_us"
  case serviceP999 = "service_p999_us"
  case serviceMax = "service_max_us"
  case endToEndP50 = "e2e_p50_us"
  case endToEndP99 = "e2e_p99_us"
  case endToEndP999 = "e2e_p999_us"
  case cpuUserSeconds = "cpu_user_s"
  case cpuSystemSeconds = "cpu_system_s"
  case cpuSecondsPerGigabyte = "cpu_s_per_gb"
  case receiverCPUSecondsPerGigabyte = "receiver_cpu_s_per_gb"
  case machineCPUSeconds = "machine_cpu_s"
  case referenceRatio = "reference_ratio"
  case minorFaults = "minor_faults"
  case majorFaults = "major_faults"
  case contextSwitches = "context_switches"
  case deviceWriteBytes = "device_write_bytes"
  case rssPeakMebibytes = "rss_peak_mib"
  case copiedSends = "copied_sends"
  case errors
  // Beyond the common set.
  case memory, drained
  case finalSyncSeconds = "final_sync_s"
  case threadCPUSeconds = "thread_cpu_s"
  case machineStealSeconds = "machine_steal_s"
  case prefillBytes = "prefill_bytes"
  case segmentBytes = "segment_bytes"
  case intervalMilliseconds = "interval_ms"
  case intervalBytes = "interval_bytes"
  case reading, congestion
  case zeroCopySends = "zero_copy_sends"
  case machineCPUSecondsPerGigabyte = "machine_cpu_s_per_gb"
  case endToEndMax = "e2e_max_us"
  case latenessP50 = "lateness_p50_us"
  case latenessP99 = "lateness_p99_us"
  case latenessMax = "lateness_max_us"
  case generatorCeiling = "generator_ceiling_records_per_s"
  case producerCPUSeconds = "producer_cpu_s"
  case consumerCPUSeconds = "consumer_cpu_s"
  case targetCPUSeconds = "target_cpu_s"
  case consumedRecords = "consumed_records"
  case consumedBytes = "consumed_bytes"
  case catchUpSeconds = "catch_up_s"
  case catchUpBytes = "catch_up_bytes"
  case catchUpMegabytesPerSecond = "catch_up_mb_per_s"
  case lostRecords = "lost_records"
  case sustainableRecordsPerSecond = "sustainable_records_per_s"
  case searchProbes = "search_probes"
  case inFlight = "in_flight"
  case recordSizes = "record_sizes"
  case consumeFrom = "consume_from"
  case retentionBytes = "retention_bytes"
  case placeProducers = "place_producers"
  case placeConsumers = "place_consumers"
  case placeLog = "place_log"
  case stallMilliseconds = "stall_ms"
  case slowdownPercent = "slowdown_percent"
  case memoryLimit = "memory_limit"
  case variant
  case durableMegabytesPerSecond = "durable_mb_per_s"
  case build
}

extension TrialResult {
  /// The cell of `column`; nil is an empty one.
  package func text(of column: TrialColumn) -> String? {
    switch column {
    case .suite: suite
    case .trialID: trial.id
    case .block: "\(trial.block)"
    case .position: "\(trial.position)"
    case .status: status.rawValue
    case .reason: reason
    case .commit: commit
    case .build: build?.rawValue
    case .target, .backend, .durability, .queueDepth, .preallocation, .payload, .recordBytes,
      .batchBytes, .partitions, .producers, .arrival, .prefillBytes, .segmentBytes,
      .intervalMilliseconds, .intervalBytes, .memory, .variant, .memoryLimit:
      parameterText(of: column)
    case .transfer, .receiver, .cache, .network, .connections, .callBytes, .reading, .congestion:
      transferText(of: column)
    case .consumers, .lingerMilliseconds, .inFlight, .recordSizes, .consumeFrom, .retentionBytes,
      .placeProducers, .placeConsumers, .placeLog, .stallMilliseconds:
      parameters.isLoaded ? loadText(of: column) : nil
    case .slowdownPercent: parameters.isReference ? nil : "\(parameters.slowdownPercent)"
    case .offeredRecordsPerSecond: decimal(parameters.offeredRecordsPerSecond, 1)
    case .responseP50, .responseP99, .responseP999, .responseMax, .endToEndP50, .endToEndP99,
      .endToEndP999, .endToEndMax, .latenessP50, .latenessP99, .latenessMax, .serviceP50,
      .serviceP99, .serviceP999, .serviceMax:
      decimal(latency(of: column), 3)
    default: measuredText(of: column) ?? loadedText(of: column)
    }
  }

  private func latency(of column: TrialColumn) -> Double? {
    switch column {
    case .responseP50: response?.p50
    case .responseP99: response?.p99
    case .responseP999: response?.p999
    case .responseMax: response?.max
    case .serviceP50: service?.p50
    case .serviceP99: service?.p99
    case .serviceP999: service?.p999
    case .serviceMax: service?.max
    case .endToEndP50: endToEnd?.p50
    case .endToEndP99: endToEnd?.p99
    case .endToEndP999: endToEnd?.p999
    case .endToEndMax: endToEnd?.max
    case .latenessP50: lateness?.p50
    case .latenessP99: lateness?.p99
    case .latenessMax: lateness?.max
    default: nil
    }
  }

  /// Of keys that only loaded targets know.
  private func loadText(of column: TrialColumn) -> String? {
    ParameterKey(rawValue: column.rawValue).flatMap { parameters.number(of: $0) }
  }

  private func transferText(of column: TrialColumn) -> String? {
    if parameters.isLoaded && column == .cache {
      return parameters.consumeFrom == .start ? parameters.cache.rawValue : nil
    }
    if parameters.target == "socket" {
      switch column {
      case .transfer, .network, .callBytes, .congestion: break
      case .connections: return "\(LoadAssignment(parameters).connections.count)"
      default: return nil
      }
    } else if !parameters.isTransfer {
      return nil
    }
    return switch column {
    case .transfer: parameters.transfer
    case .receiver: parameters.receiver.rawValue
    case .cache: parameters.cache.rawValue
    case .network: parameters.network.rawValue
    case .connections: "\(parameters.connections)"
    case .callBytes: "\(parameters.callBytes)"
    case .reading: parameters.reading.rawValue
    case .congestion: parameters.network == .unix ? nil : parameters.congestion
    default: nil
    }
  }

  private func parameterText(of column: TrialColumn) -> String? {
    let isReference = parameters.isReference
    // A file that bare calls send was not written by a backend.
    let isWritten = !(isReference && parameters.isTransfer)
    return switch column {
    case .target: parameters.target
    case .backend: isWritten ? parameters.backend : nil
    case .durability: isWritten ? parameters.durability.rawValue : nil
    case .queueDepth: isWritten ? "\(parameters.queueDepth)" : nil
    case .preallocation: isWritten ? parameters.preallocation?.rawValue : nil
    case .payload: isReference ? nil : parameters.payload
    case .recordBytes:
      isReference || parameters.payload != "synthetic" ? nil : "\(parameters.recordBytes)"
    case .batchBytes: isWritten ? "\(parameters.batchBytes)" : nil
    case .partitions: "\(parameters.partitions)"
    case .producers: parameters.isLoaded ? "\(parameters.producers)" : "1"
    case .variant: parameters.variant.isEmpty ? nil : parameters.variant
    case .memoryLimit: parameters.memoryLimit > 0 ? "\(parameters.memoryLimit)" : nil
    case .arrival: parameters.arrival.rawValue
    case .prefillBytes: "\(parameters.prefillBytes)"
    case .segmentBytes: isReference ? nil : "\(parameters.segmentBytes)"
    case .intervalMilliseconds:
      parameters.durability == .interval ? "\(parameters.intervalMilliseconds)" : nil
    case .intervalBytes: parameters.durability == .interval ? "\(parameters.intervalBytes)" : nil
    case .memory: memory?.rawValue
    default: nil
    }
  }

  private func measuredText(of column: TrialColumn) -> String? {
    switch column {
    case .achievedRecordsPerSecond: decimal(achievedRecordsPerSecond, 1)
    case .records: records.map { "\($0)" }
    case .bytes: bytes.map { "\($0)" }
    // To the nanosecond: rates, which are not kept by themselves, come out the same when it is read back.
    case .seconds: decimal(seconds, 9)
    case .megabytesPerSecond: decimal(megabytesPerSecond, 3)
    case .durableMegabytesPerSecond: decimal(durableMegabytesPerSecond, 3)
    case .cpuUserSeconds: decimal(cpuUserSeconds, 6)
    case .cpuSystemSeconds: decimal(cpuSystemSeconds, 6)
    case .cpuSecondsPerGigabyte: decimal(cpuSecondsPerGigabyte, 4)
    case .receiverCPUSecondsPerGigabyte: decimal(receiverCPUSecondsPerGigabyte, 4)
    case .machineCPUSecondsPerGigabyte: decimal(machineCPUSecondsPerGigabyte, 4)
    case .zeroCopySends: zeroCopySends.map { "\($0)" }
    case .copiedSends: copiedSends.map { "\($0)" }
    case .machineCPUSeconds: decimal(machineCPUSeconds, 2)
    case .referenceRatio: decimal(referenceRatio, 4)
    case .minorFaults: minorFaults.map { "\($0)" }
    case .majorFaults: majorFaults.map { "\($0)" }
    case .contextSwitches: contextSwitches.map { "\($0)" }
    case .deviceWriteBytes: deviceWriteBytes.map { "\($0)" }
    case .rssPeakMebibytes: decimal(rssPeakMebibytes, 1)
    case .errors: errors.map { "\($0)" }
    case .drained: drained.map { "\($0)" }
    case .finalSyncSeconds: decimal(finalSyncSeconds, 9)
    case .threadCPUSeconds: decimal(threadCPUSeconds, 6)
    case .machineStealSeconds: decimal(machineStealSeconds, 2)
    default: nil
    }
  }

  private func loadedText(of column: TrialColumn) -> String? {
    switch column {
    case .generatorCeiling: decimal(generatorCeiling, 0)
    case .producerCPUSeconds: decimal(load?.producerCPUSeconds, 6)
    case .consumerCPUSeconds: decimal(load?.consumerCPUSeconds, 6)
    case .targetCPUSeconds: decimal(load?.targetCPUSeconds, 6)
    case .consumedRecords: load?.consumedRecords.map { "\($0)" }
    case .consumedBytes: load?.consumedBytes.map { "\($0)" }
    case .catchUpSeconds: decimal(load?.catchUpSeconds, 9)
    case .catchUpBytes: load?.catchUpBytes.map { "\($0)" }
    case .catchUpMegabytesPerSecond: decimal(catchUpMegabytesPerSecond, 3)
    case .lostRecords: load?.lostRecords.map { "\($0)" }
    case .sustainableRecordsPerSecond: decimal(sustainableRecordsPerSecond, 1)
    case .searchProbes: searchProbes
    default: nil
    }
  }

  private func decimal(_ value: Double?, _ digits: Int) -> String? {
    value.map { String(format: "%.\(digits)f", $0) }
  }
}
