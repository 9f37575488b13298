import CommitLog
import KafkaProtocol
import LogRuntime
import Records

// Topics come, change and go: the metadata is asked for it, and the registry follows what it tells.
// Event loops see the registry's next snapshot.

extension LogAdministrator {
  /// Puts the metadata into the registry, and every change of it from now on.
  func takeOver() throws(LogError) {
    let image = metadata.image
    services.registry.set(image.cluster)
    let offline = directory.offlineTopics
    for (name, reason) in offline.sorted(by: { $0.key < $1.key }) {
      services.log.error("topic '\(name)' is offline, with all its partitions: \(reason)")
    }
    let counts = offline.keys.map { ($0, directory.partitionCount(ofOfflineTopic: $0)) }
    services.registry.set(offlineTopics: Dictionary(uniqueKeysWithValues: counts))
    services.metrics.add(.partitionsOffline, counts.reduce(0) { $0 + $1.1 })
    for topic in image.topics.values.sorted(by: { $0.name < $1.name }) {
      if let reason = services.reasonToRefuse(topic.settings) {
        throw .invalidSetting(
          file: "\(directory.path)/topics/\(topic.name).properties", line: 1, reason: reason)
      }
      try register(topic, at: image.revision)
    }
    metadata.watch { [unowned self] change in apply(change) }
  }

  private func apply(_ change: MetadataChange) {
    switch change.kind {
    case .topic(let topic):
      do throws(LogError) { try register(topic, at: change.revision) } catch {
        services.log.error("topic '\(topic.name)' is not served: \(error)")
      }
    case .topicRemoved(let name):
      let entry = services.registry.snapshot[name]
      let partitions = entry?.partitions ?? []
      let unread = services.registry.snapshot.offlineTopics[name] ?? 0
      services.metrics.add(.partitionsOffline, -(entry?.offline.count ?? 0) - unread)
      // Appends are refused from here on, and fetches look again and find nothing.
      services.registry.remove(name, at: change.revision)
      for partition in partitions { partition.setDeleted() }
      wakeWaiters(partitions)
    }
  }

  /// Tells the operator of topics that do not go by what the broker was told for topics, since all
  /// their settings are their own: `varve log import` made them, or a broker before there was a
  /// difference.
  func tellOwnSettings() {
    let builtIn = BrokerSettings(backends: [], transfers: []).topic
    for setting in TopicSettings.table {
      let (usual, value) = (setting.text(builtIn), setting.text(services.settings.topic))
      if value == usual { continue }
      let topics = directory.topics.values
        .filter { $0.ownSettings == nil && setting.text($0.settings) == usual }
        .map(\.name).sorted()
      if topics.isEmpty { continue }
      services.log.warning(
        "\(topics.count) topics do not follow \(setting.name)=\(value): all their settings are their "
          + "own, and this one is \(usual); IncrementalAlterConfigs changes it",
        ["topics": Self.shown(topics)])
    }
  }

  /// Tells the operator of topics whose backend does not work here, or cannot come by its space as
  /// they are to: by the broker's preallocation, which they do without, or by one of their own.
  /// Appends fail where they do not work.
  func tellUnfitSpace() {
    var topics: [String: [String]] = [:]
    for topic in directory.topics.values.sorted(by: { $0.name < $1.name }) {
      if let reason = services.parts.reasonToRefuseSpace(topic.settings)
        ?? reasonToRefuse(topic.settings)
      {
        topics["\(reason); appends fail until one of them is changed", default: []]
          .append(topic.name)
        continue
      }
      guard topic.ownSettings?.contains("varve.preallocation") == false else { continue }
      var followed = topic.settings
      followed.preallocation = services.settings.topic.preallocation
      if let reason = services.parts.reasonToRefuseSpace(followed) {
        topics["\(reason); it goes by default", default: []].append(topic.name)
      }
    }
    for (text, names) in topics.sorted(by: { $0.key < $1.key }) {
      services.log.warning("\(text)", ["topics": Self.shown(names)])
    }
  }

  private static func shown(_ topics: [String]) -> String {
    topics.prefix(5).joined(separator: ", ") + (topics.count > 5 ? ", …" : "")
  }

  /// Partitions that are served already stay as they are.
  private func register(_ topic: Topic, at revision: MetadataRevision) throws(LogError) {
    var slots = services.registry.snapshot[topic.name]?.slots ?? []
    for partition in topic.partitions.dropFirst(slots.count) {
      switch directory.reasonOffline(partition) {
      case nil: slots.append(.served(served(try directory.log(partition))))
      case .opening: slots.append(.opening)
      case let reason?:
        tellOffline(partition, reason)
        services.metrics.add(.partitionsOffline, 1)
        slots.append(.offline)
      }
    }
    services.registry.set(TopicEntry(topic, slots), at: revision)
  }

  /// The log as the broker's threads share it.
  func served(_ log: PartitionLog) -> LogPartition {
    let entry = LogPartition(id: nextEntry, log: log)
    entry.ledger.expirationMilliseconds = services.settings.producerExpirationMilliseconds
    nextEntry += 1
    return entry
  }

  /// Makes a topic; durable on return.
  func create(
    _ name: String, partitions: Int, settings: GivenSettings
  ) throws(LogError) -> TopicEntry {
    try checkRoom(name, partitions: partitions)
    try metadata.createTopic(
      name, partitions: partitions, settings: settings.settings, own: settings.ownNames)
    return try entry(name)
  }

  /// Throws where so many partitions are too many, with those that there are and `planned` more.
  func checkRoom(
    _ name: String, partitions: Int, besides planned: Int = 0
  ) throws(LogError) {
    let count = services.registry.snapshot.partitionCount + planned
    guard partitions <= services.settings.partitionsMax - count else {
      throw .invalidSetting(
        file: name, line: 0,
        reason: "\(partitions) partitions more than the \(count) that there are, expected at most "
          + "\(services.settings.partitionsMax) (varve.partitions.max)")
    }
  }

  /// Deletes topics, each named once; an error for each that could not be. Durable on return. Who
  /// reads one at the moment goes on to the end of the response.
  func delete(_ names: [String]) -> [LogError?] {
    metadata.deleteTopics(names)
  }

  /// Adds partitions; durable on return.
  func addPartitions(_ name: String, to count: Int) throws(LogError) {
    try metadata.addPartitions(name, to: count)
    // One whose log could not be opened is not served.
    let served = try entry(name).slots.count
    if served < count {
      throw .unknownPartition(
        TopicPartition(topic: name, partition: Int32(served)), partitionCount: Int32(served))
    }
  }

  /// Changes a topic's settings; durable on return, in force at once but for the backend, which is
  /// each partition's next segment's.
  func alter(_ name: String, _ settings: GivenSettings) throws(LogError) {
    try metadata.alterTopic(name, settings.settings, own: settings.ownNames)
  }

  /// The topic as it is registered now.
  func entry(_ name: String) throws(LogError) -> TopicEntry {
    if let entry = services.registry.snapshot[name] { return entry }
    if let reason = directory.offlineTopics[name] {
      throw .topicOffline(name, reason: "\(reason)")
    }
    throw .unknownTopic(name)
  }

  func wakeWaiters(_ entries: [LogPartition]) {
    for entry in entries {
      let loops = entry.takeWaiters()
      for loop in services.loops where loops >> UInt64(loop.number) & 1 != 0 {
        loop.mailbox.post(.advanced([entry]))
      }
    }
  }
}
