/// What clients may do, a bit for each of Kafka's `AclOperation`s (KIP-430). There are no ACLs here:
/// everybody may do whatever there is to be done with a resource, as with Kafka without an
/// authorizer.
enum AuthorizedOperations {
  private enum Operation: Int {
    case read = 3
    case write, create, delete, alter, describe, clusterAction, describeConfigs, alterConfigs
    case idempotentWrite
  }

  private static func bits(_ operations: [Operation]) -> Int32 {
    operations.reduce(0) { $0 | 1 << Int32($1.rawValue) }
  }

  static let ofTopic = bits([
    .read, .write, .create, .delete, .alter, .describe, .describeConfigs, .alterConfigs,
  ])
  static let ofCluster = bits([
    .create, .alter, .describe, .clusterAction, .describeConfigs, .alterConfigs, .idempotentWrite,
  ])
}
