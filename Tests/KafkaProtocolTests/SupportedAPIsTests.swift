import KafkaProtocol
import Testing

@Suite struct SupportedAPIsTests {
  @Test("every API is advertised once, in ascending order, with the versions of its request")
  func everyAPIIsAdvertised() {
    let keys = APIKey.allCases.map(\.rawValue)
    #expect(keys == keys.sorted())
    #expect(Set(keys).count == APIKey.allCases.count)
    for api in APIKey.allCases {
      #expect(api.request.apiNumber == api.rawValue)
      #expect(APIKey(rawValue: api.rawValue) == api)
    }
  }

  @Test("header versions change where Kafka's message definitions say")
  func flexibleVersions() {
    // By API key, from Kafka's definitions and not from here.
    let firsts: [Int16: Int16] = [
      0: 9, 1: 12, 2: 6, 3: 9, 8: 8, 9: 6, 10: 3, 11: 6, 17: .max, 18: 3, 19: 5, 20: 4, 21: 2,
      22: 2, 23: 4, 32: 4, 33: 2, 35: 2, 37: 2, 44: 1, 60: 0, 61: 0,
    ]
    for api in APIKey.allCases {
      let first = firsts[api.rawValue] ?? -1
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
