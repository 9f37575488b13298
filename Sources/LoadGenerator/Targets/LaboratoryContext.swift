import LogStorage

/// What exists in this program: its assembler says which backends and targets there are, so that
/// the laboratory names none.
package struct LaboratoryContext {
  package var targets: [TargetChoice]
  package var backends: [BackendChoice]
  package var payloads: [String]
  package var preallocations: [Preallocation]

  package init(
    targets: [TargetChoice], backends: [BackendChoice], payloads: [String] = ["synthetic"],
    preallocations: [Preallocation] = [.none]
  ) {
    self.targets = targets
    self.backends = backends
    self.payloads = payloads
    self.preallocations = preallocations
  }

  /// The words that a suite may use.
  package var vocabulary: SuiteVocabulary {
    SuiteVocabulary(
      targets: targets.map(\.name), backends: backends.map(\.name), payloads: payloads,
      preallocations: preallocations)
  }
}

/// A backend that can be chosen by name.
package struct BackendChoice {
  package let capabilities: StorageCapabilities
  /// A new backend for the calling thread.
  package let make: () throws -> any AnyStorageBackend

  package var name: String { capabilities.name }

  package init(
    _ capabilities: StorageCapabilities, make: @escaping () throws -> any AnyStorageBackend
  ) {
    self.capabilities = capabilities
    self.make = make
  }
}

/// A target that can be chosen by name.
package struct TargetChoice {
  package let name: String
  /// A new target, for one trial. What trials share, such as a payload's prebuilt batches, the
  /// closure holds.
  package let make: () -> any LoadTarget

  package init(_ name: String, make: @escaping () -> any LoadTarget) {
    self.name = name
    self.make = make
  }

  /// System calls alone: the reference.
  package static var bare: TargetChoice { TargetChoice("bare") { BareTarget() } }
}
