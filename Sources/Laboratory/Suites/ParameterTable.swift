import LogStorage

/// The table of parameters: one row a key. Reading a suite, `--set`, labels, the columns of
/// trials.csv and the data dictionary come from it.
extension ParameterKey {
  package var parameter: Parameter {
    switch self {
    case .target:
      .word(\.target, .words { $0.targets }, "What the trial measures.").plain
    case .backend:
      .word(
        \.backend, .words({ $0.backends }, summary: "a backend of `varve backends`"),
        "The storage backend of the log."
      )
      .plain.only { !$0.sendsPlainFile }
    case .durability:
      .choice(\.durability, "What a batch waits for before it is acknowledged.")
        .only { !$0.sendsPlainFile }
    case .payload:
      .word(\.payload, .words { $0.payloads }, "Where records come from.")
        .plain.only { !$0.isReference }
    case .recordBytes:
      .number(\.recordBytes, .bytes(0...(16 << 20)), "Bytes of a synthetic record's value.")
        .only { !$0.isReference && $0.payload == "synthetic" }
    case .batchBytes:
      .number(
        \.batchBytes, .bytes(1...(1 << 30)), "Bytes of a batch; the last record may exceed it."
      )
      .only { !$0.sendsPlainFile }
    case .partitions:
      .number(\.partitions, .count(1...10_000), "Partitions, each a log in a folder of its own.")
    case .preallocation: preallocation
    case .bytes, .batches, .records, .duration: length
    case .arrival:
      .choice(
        \.arrival,
        "When records are sent: `max` sends each after the last one's end; `uniform` and `poisson` send at "
          + "`rate`.")
    case .queueDepth:
      .number(\.queueDepth, .count(1...4096), "Appends in flight at once, of a closed loop.")
        .only { !$0.sendsPlainFile }
    case .prefillBytes:
      .number(
        \.prefillBytes, .bytes(0...(1 << 50)), "Bytes appended before the trial, not measured.")
    case .segmentBytes:
      // Kafka's offset index holds positions in 32 bits, signed.
      .number(
        \.segmentBytes, .bytes(1...Int64(Int32.max)), "A segment rolls before it exceeds this size."
      )
      .only { !$0.isReference }
    case .intervalMilliseconds:
      .number(
        \.intervalMilliseconds, .milliseconds(1...86_400_000),
        "Under the durability `interval`: the longest time between flushes."
      ).only { $0.durability == .interval && !$0.sendsPlainFile }
    case .intervalBytes:
      .number(
        \.intervalBytes, .bytes(1...(1 << 50)),
        "Under the durability `interval`: the most bytes between flushes."
      ).only { $0.durability == .interval && !$0.sendsPlainFile }
    case .backgroundFlush:
      Parameter(
        accepted: .flag,
        description:
          "Under `none` and `interval`: whether what is appended is flushed in the background, as "
          + "a broker does: at most 30 s or 256 MiB behind the log's end.",
        value: { .flag($0.backgroundFlush) },
        set: { if case .flag(let flag) = $1 { $0.backgroundFlush = flag } }
      ).only { $0.flushesInBackground }
    case .memory:
      .choice(
        \.memory,
        "Whether a file of the trial's size is written and deleted before it, so that a hypervisor has backed the pages."
      )
    case .drain:
      Parameter(
        accepted: .flag,
        description:
          "Whether the trial waits until writes of earlier trials have reached the disk.",
        value: { .flag($0.drain) }, set: { if case .flag(let flag) = $1 { $0.drain = flag } })
    case .memoryLimit:
      .number(
        \.memoryLimit, .bytes(0...(1 << 50)),
        "Memory that the trial's cgroup may hold, page cache included; 0 is no limit."
      ).only { $0.memoryLimit > 0 }
    case .variant:
      .word(
        \.variant, .variant,
        "A name that changes nothing: two variants of a cell compare it with itself."
      ).plain.only { !$0.variant.isEmpty }
    case .slowdownPercent:
      .number(
        \.slowdownPercent, .count(0...1000), "Per cent by which each round of the target is slowed."
      )
      .only { !$0.isReference && !$0.isTransfer }
    case .transfer, .receiver, .cache, .network, .connections, .callBytes, .reading, .congestion:
      ofTransfers
    case .producers, .consumers, .inFlight, .lingerMilliseconds, .rate, .recordSizes, .consumeFrom,
      .retentionBytes, .placeProducers, .placeConsumers, .placeLog, .logThreads,
      .stallMilliseconds, .stallAtMilliseconds:
      ofLoads
    }
  }

  private var preallocation: Parameter {
    Parameter(
      accepted: .words { _ in Preallocation.words },
      description:
        "How space ahead of the log's end is reserved; `default` is the backend's own way.",
      value: { .name($0.preallocation?.rawValue ?? Preallocation.ownWay) },
      set: { if case .name(let name) = $1 { $0.preallocation = Preallocation(rawValue: name) } }
    ).only { !$0.sendsPlainFile }
  }

  private var length: Parameter {
    switch self {
    case .batches:
      .length(.count(1...(1 << 50)), "Length of the trial in batches.", { .batches($0) }) {
        if case .batches(let count) = $0 { count } else { nil }
      }
    case .records:
      .length(.count(1...(1 << 50)), "Length of the trial in records.", { .records($0) }) {
        if case .records(let count) = $0 { count } else { nil }
      }
    case .duration:
      .length(
        .milliseconds(1...3_600_000), "Length of the trial as a time.",
        { .duration(milliseconds: $0) }
      ) {
        if case .duration(let milliseconds) = $0 { milliseconds } else { nil }
      }.only { $0.isLoaded }
    default:
      .length(.bytes(1...(1 << 50)), "Length of the trial in bytes.", { .bytes($0) }) {
        if case .bytes(let count) = $0 { count } else { nil }
      }
    }
  }

  /// Of what sends a log through a socket.
  private var ofTransfers: Parameter {
    switch self {
    case .transfer:
      .word(
        \.transfer, .words({ $0.transfers }, summary: "a path of `varve backends`"),
        "The path from the log to the socket."
      )
      .plain.only { $0.usesSocket }
    case .receiver:
      .choice(
        \.receiver, "What the other end does with the bytes: `discard` drops them in the kernel."
      )
      .plain.only { $0.isTransfer }
    case .cache:
      .choice(
        \.cache, "Whether what is read lies in the page cache (`hot`) or on the disk only (`cold`)."
      )
      .plain.only { $0.isTransfer || ($0.isLoaded && $0.consumeFrom == .start) }
    case .network:
      .choice(\.network, "What lies between sender and receiver.").plain.only { $0.usesSocket }
    case .connections:
      .number(\.connections, .count(1...1024), "Connections, each with a receiver.")
        .only { $0.isTransfer }
        .recorded { result in
          let parameters = result.parameters
          if parameters.usesSocket && parameters.isLoaded {
            return "\(LoadAssignment(parameters).connections.count)"
          }
          return parameters.isTransfer ? "\(parameters.connections)" : nil
        }
    case .callBytes:
      .number(\.callBytes, .bytes(1...(1 << 30)), "The most bytes that one system call may send.")
        .only { $0.usesSocket }
    case .reading:
      .choice(
        \.reading, "What is sent: the `whole` log again and again, or its `tail` as it is appended."
      )
      .only { $0.isTransfer }
    default:
      .word(\.congestion, .congestion, "TCP's congestion control.")
        .only { $0.usesSocket && $0.network != .unix }
    }
  }

  /// Of producers, consumers, and what is done to them.
  private var ofLoads: Parameter {
    switch self {
    case .producers:
      .number(\.producers, .count(1...256), "Threads that send records.")
        .only { $0.isLoaded }
        .recorded { $0.parameters.isLoaded ? "\($0.parameters.producers)" : "1" }
    case .consumers:
      .number(\.consumers, .count(0...256), "Threads that read the log.").only { $0.isLoaded }
    case .inFlight:
      .number(
        \.inFlight, .count(1...4096),
        "Batches that a producer sends before the first is acknowledged."
      )
      .only { $0.isLoaded }
    case .lingerMilliseconds:
      .number(
        \.lingerMilliseconds, .milliseconds(0...60_000), "How long a batch waits for more records."
      )
      .only { $0.isLoaded }
    case .rate:
      .number(
        \.rate, .count(1...1_000_000_000), "Records a second that all producers offer together."
      )
      .only { $0.isOpenLoop }
    case .recordSizes:
      .choice(\.recordSizes, "How the sizes of synthetic records spread around `record_bytes`.")
        .only { $0.isLoaded }
    case .consumeFrom:
      .choice(
        \.consumeFrom, "Where consumers begin: with new records (`end`) or the first one (`start`)."
      )
      .only { $0.isLoaded }
    case .retentionBytes:
      .number(
        \.retentionBytes, .bytes(0...(1 << 50)), "Retention by size of each partition; 0 is none."
      )
      .only { $0.isLoaded }
    case .placeProducers:
      .word(\.placeProducers, .place, "Processors that producers run on.").only { $0.isLoaded }
    case .placeConsumers:
      .word(\.placeConsumers, .place, "Processors that consumers run on.").only { $0.isLoaded }
    case .placeLog:
      .word(\.placeLog, .place, "Processors that the append loop runs on.").only { $0.isLoaded }
    case .logThreads:
      .number(
        \.logThreads, .count(1...64),
        "Threads that append, each to the partitions of its shard, as the broker's `varve.log.threads`."
      )
      .only { $0.isLoaded && $0.target != TargetName.generator }
    case .stallMilliseconds:
      .number(
        \.stallMilliseconds, .milliseconds(0...600_000),
        "How long the target stands still, once; 0 is not at all."
      ).only { $0.isLoaded }
    default:
      .number(
        \.stallAtMilliseconds, .milliseconds(0...600_000),
        "When the target stands still, after the start."
      )
      .only { $0.isLoaded && $0.stallMilliseconds > 0 }
    }
  }
}
