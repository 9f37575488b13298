// FuzzTargets: what Scripts/fuzz runs on bytes that libFuzzer makes up, and the tests on the kept ones.
//
// Belongs here: one function a target that takes any bytes, runs the product's code on them and says
// which property does not hold; independent models to compare with. Does not: libFuzzer itself (the
// Driver), or a product's code.

/// One part of the product that reads what it did not write.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// Record batches in place, from a client.
  case batch
  /// Index files beside a log.
  case index
  /// A data directory, opened.
  case recovery
  /// Files of events.
  case jsonl
  /// Messages of Kafka's protocol, and a broker that is sent them.
  case wire

  /// Runs the target on any bytes; throws where a promise is not kept. A trap, too much memory and an
  /// endless loop are found by whoever runs it.
  package func run(_ input: [UInt8]) throws(FuzzViolation) {
    switch self {
    case .batch: try BatchTarget(input).run()
    case .index: try IndexTarget(input).run()
    case .recovery: try RecoveryTarget(input).run()
    case .jsonl: try JSONLTarget(input).run()
    case .wire: try WireTarget(input).run()
    }
  }

  /// What the input stands for, where it is not plain from its bytes.
  package func describe(_ input: [UInt8]) -> String {
    switch self {
    case .recovery: "\(RecoveryProgram(input).directory)"
    case .index: "\(IndexTarget(input).changed)"
    case .wire: WireTarget(input).description
    case .batch, .jsonl: String(decoding: input, as: UTF8.self)
    }
  }
}

/// A promise that the product did not keep.
package struct FuzzViolation: Error, Hashable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

func require(
  _ condition: Bool, _ text: @autoclosure () -> String
) throws(FuzzViolation) {
  if !condition { throw FuzzViolation(text()) }
}

func require<Value: Equatable>(
  _ found: Value, equals expected: Value, _ text: @autoclosure () -> String
) throws(FuzzViolation) {
  if found != expected {
    throw FuzzViolation("\(text()): found \(found), expected \(expected)")
  }
}
