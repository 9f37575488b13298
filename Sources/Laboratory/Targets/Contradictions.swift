import Load
import LogStorage
import Records
import Suites
import TransferPaths

/// Combinations of parameters that no machine can run. What a machine or a backend lacks is not
/// here: that skips the trial.
extension TrialParameters {
  /// More connections than this are not one machine's experiment.
  static let connectionsMax = 1024

  /// Why the parameters contradict each other, in words; nil where they do not. `path` is of the
  /// chosen transfer path.
  package func contradiction(_ path: TransferCapabilities?) -> String? {
    if !isLoaded, let reason = contradictionOfLoop { return reason }
    if isLoaded, let reason = contradictionOfLoad { return reason }
    if isTransfer, let reason = contradictionOfTransfer { return reason }
    if let reason = contradictionOfMemory { return reason }
    return usesSocket ? contradictionOfSocket(path) : nil
  }

  private var contradictionOfMemory: String? {
    let cached =
      isTransfer ? sentLogBytes : isLoaded && consumeFrom == .start ? prefillBytes : 0
    if memoryLimit == 0 || cache == .cold || cached <= memoryLimit { return nil }
    return "cache 'hot' keeps \(cached) bytes in memory, and memory_limit is \(memoryLimit)"
  }

  private var contradictionOfLoop: String? {
    if arrival != .max {
      return "the target '\(target)' appends as fast as it can: arrival 'max' only; embedded, "
        + "stream and generator have arrivals at a rate"
    }
    if case .duration = length {
      return "the target '\(target)' needs bytes, batches or records: only embedded, stream and "
        + "generator run for a duration"
    }
    return nil
  }

  private var contradictionOfLoad: String? {
    if payload == "synthetic",
      batchBytes < RecordBatchHeader.byteCount + RecordSource.stampBytes + 40
    {
      return "batch_bytes \(batchBytes) holds no record"
    }
    if logThreads > 1 && logThreads > partitions {
      return
        "log_threads \(logThreads) and \(partitions) partitions: a partition belongs to one thread"
    }
    if logThreads > 1 && (prefillBytes > 0 || retentionBytes > 0 || preallocation == .recycle) {
      return "log_threads \(logThreads) appends to new logs that keep everything: prefill_bytes 0, "
        + "retention_bytes 0 and no preallocation 'recycle' only"
    }
    if logThreads > 1 && flushesInBackground {
      return "background_flush belongs to one thread: log_threads 1 only"
    }
    if target == TargetName.generator && consumers > 0 {
      return "the target 'generator' keeps nothing: consumers 0 only"
    }
    if target == TargetName.stream && consumers == 0 {
      return "the target 'stream' needs consumers"
    }
    if preallocation == .recycle && consumeFrom == .start {
      return "preallocation 'recycle' deletes what was there before: consume_from 'end' only"
    }
    if cache == .cold && (consumeFrom == .end || prefillBytes == 0) {
      return
        "cache 'cold' needs consume_from 'start' and prefill_bytes: there is nothing cold to read"
    }
    return nil
  }

  private var contradictionOfTransfer: String? {
    if target == TargetName.transferSyscalls && reading == .tail {
      return "bare calls have no tail to follow: reading 'whole' only"
    }
    if cache == .cold && reading == .tail {
      return "reading 'tail' cannot be cold: what was just appended is in memory"
    }
    if cache == .cold && plannedBytes > sentLogBytes {
      return "cache 'cold' sends a log once: bytes (\(plannedBytes)) must not exceed prefill_bytes "
        + "(\(sentLogBytes))"
    }
    if cache == .cold && (connections != partitions || plannedBatches % Int64(partitions) != 0) {
      return "cache 'cold' needs a connection for each partition, and as many batches for each: "
        + "what is read a second time is hot"
    }
    if preallocation == .recycle {
      return "preallocation 'recycle' is of trials that append: a log is sent once"
    }
    return nil
  }

  private func contradictionOfSocket(_ path: TransferCapabilities?) -> String? {
    if let path, path.needs == .tcpSocket && network == .unix {
      return "the transfer path '\(path.name)' needs TCP, not a Unix socket"
    }
    if isTransfer && network == .unix && receiver == .discard {
      return "receiver 'discard' needs TCP: MSG_TRUNC drops nothing on Unix sockets"
    }
    if target == TargetName.stream {
      let count = LoadAssignment(self).connections.count
      if count > Self.connectionsMax {
        return "\(count) connections, one for each partition and consumer: at most "
          + "\(Self.connectionsMax)"
      }
    }
    return nil
  }
}
