/// Which producer wrote a batch, and where the batch stands in what it wrote: what a log needs to
/// recognise a batch that is sent twice.
package struct ProducerStamp: Hashable, Sendable {
  package var id: Int64
  package var epoch: Int16
  /// The first record's sequence number; the others follow by offset delta, 0 after `Int32.max`.
  package var baseSequence: Int32

  package init(id: Int64, epoch: Int16, baseSequence: Int32) {
    self.id = id
    self.epoch = epoch
    self.baseSequence = baseSequence
  }

  /// A producer that asked for no identity: -1 in all three fields.
  package static let none = ProducerStamp(id: -1, epoch: -1, baseSequence: -1)
}
