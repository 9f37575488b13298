import CommitLog
import LinuxIO
import LogStorage
import Suites
import TransferPaths

/// What exists in this program: its assembler says which backends and targets there are, so that
/// the laboratory names none.
package struct LaboratoryContext {
  package var targets: [TargetChoice]
  package var backends: [BackendChoice]
  package var payloads: [String]
  package var transfers: [TransferChoice]

  package init(
    targets: [TargetChoice], backends: [BackendChoice], payloads: [String] = ["synthetic"],
    transfers: [TransferChoice] = []
  ) {
    self.targets = targets
    self.backends = backends
    self.payloads = payloads
    self.transfers = transfers
  }

  /// The words that a suite may use.
  package var vocabulary: SuiteVocabulary {
    SuiteVocabulary(
      targets: targets.map(\.name), backends: backends.map(\.name), payloads: payloads,
      transfers: transfers.map(\.name))
  }
}

/// A transfer path that can be chosen by name.
package struct TransferChoice: Sendable {
  package let type: any TransferPath.Type

  package var capabilities: TransferCapabilities { type.capabilities }
  package var name: String { capabilities.name }

  package init(_ type: any TransferPath.Type) { self.type = type }
}

/// A backend that can be chosen by name.
package struct BackendChoice {
  package let capabilities: StorageCapabilities
  /// A new backend for the calling thread.
  package let make: (BackendOptions) throws(StorageError) -> any AnyStorageBackend

  package var name: String { capabilities.name }

  package init(
    _ capabilities: StorageCapabilities,
    make: @escaping (BackendOptions) throws(StorageError) -> any AnyStorageBackend
  ) {
    self.capabilities = capabilities
    self.make = make
  }

  /// Over the kernel's files.
  package init(_ kind: any BackendKind) {
    self.init(kind.capabilities) { (options) throws(StorageError) in
      try kind.make(LinuxFileIO(watch: options.watch, isPrivate: true), options)
    }
  }
}

extension BackendChoice {
  /// What the log asks for backends by name: this one, whatever the name.
  package func drivers(_ options: BackendOptions) -> BackendDrivers {
    BackendDrivers { _ throws(LogError) in
      do throws(StorageError) { return try make(options) } catch { throw .storage(error) }
    }
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
  package static var syscalls: TargetChoice { TargetChoice(TargetName.syscalls) { BareTarget() } }
}
