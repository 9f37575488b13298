import KafkaProtocol
import Testing

@Suite struct SupportedAPIsTests {
  @Test("every API is advertised once, in ascending order, with the versions of its request")
  func everyAPIIsAdvertised() {
    let keys = SupportedAPIs.all.map(\.api.rawValue)
    #expect(keys == keys.sorted())
    #expect(Set(keys).count == APIKey.allCases.count)
    for (api, versions) in SupportedAPIs.all {
      #expect(api.request.api == api)
      #expect(api.request.versions == versions)
    }
  }

  @Test("header versions change where Kafka's message definitions say")
  func flexibleVersions() {
    let firsts: [APIKey: Int16] = [
      .produce: 9, .fetch: 12, .listOffsets: 6, .metadata: 9, .offsetCommit: 8, .offsetFetch: 6,
      .findCoordinator: 3, .joinGroup: 6, .saslHandshake: .max,
      .apiVersions: 3, .createTopics: 5, .deleteTopics: 4, .deleteRecords: 2,
      .initProducerId: 2, .offsetForLeaderEpoch: 4, .describeConfigs: 4, .alterConfigs: 2,
      .describeLogDirs: 2, .createPartitions: 2, .incrementalAlterConfigs: 1,
      .describeCluster: 0, .describeProducers: 0,
    ]
    for api in APIKey.allCases {
      let first = firsts[api] ?? -1
      #expect(api.isFlexible(version: first), "\(api)")
      #expect(!api.isFlexible(version: first - 1), "\(api)")
    }
  }

  @Test("error codes have Kafka's numbers")
  func errorCodes() {
    #expect(KafkaError.allCases.map(\.rawValue).sorted() == Array(-1...120))
    #expect(KafkaError.unsupportedVersion.rawValue == 35)
    #expect(KafkaError.outOfOrderSequenceNumber.rawValue == 45)
    #expect(KafkaError.invalidRecord.rawValue == 87)
    #expect(KafkaError.transactionAbortable.rawValue == 120)
  }
}
