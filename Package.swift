// swift-tools-version: 6.2
import PackageDescription

// Scripts/check sets VARVE_STRICT so that a warning fails the build; a stranger's build, perhaps
// with a newer compiler that warns of more, does not break.
let strict: [SwiftSetting] =
  Context.environment["VARVE_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

// Exclusive access is checked at run time where the tests run, in debug builds. In release each check
// would be a thread-local set's insertion, on every append.
//
// Scripts/fuzz sets VARVE_FUZZ: then every target is built to be fuzzed (coverage, address checks,
// assertions in release too), and the executable that runs the fuzz targets is part of the package.
let isFuzzed = Context.environment["VARVE_FUZZ"] != nil
let assertions: SwiftSetting = .unsafeFlags(["-assert-config", "Debug"])
let fuzzed: [SwiftSetting] =
  isFuzzed ? [.unsafeFlags(["-sanitize=fuzzer,address"]), assertions] : []
// What fuzzing finds its way by is the product's code, not that which checks it.
let fuzzing: [SwiftSetting] = isFuzzed ? [.unsafeFlags(["-sanitize=address"]), assertions] : []
let fuzzedC: [CSetting] = isFuzzed ? [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])] : []

let common: [SwiftSetting] =
  [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
  ] + strict

let settings = common + fuzzed
// Optimizing the tests themselves takes longer than it saves; what they test is optimized.
let testing = settings + [.unsafeFlags(["-Onone"], .when(configuration: .release))]
let checking = common + fuzzing

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let trees = Target.Dependency.product(name: "HashTreeCollections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

// The order is the architecture: a target imports only from targets above it.
let package = Package(
  name: "varve",
  products: [.executable(name: "varve", targets: ["varve"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .target(
      name: "CLinux", cSettings: fuzzedC,
      linkerSettings: [
        .linkedLibrary("z"), .linkedLibrary("uring"), .linkedLibrary("numa"),
        .linkedLibrary("microhttpd"),
      ]),
    .target(name: "LinuxIO", dependencies: ["CLinux"], swiftSettings: settings),
    .target(name: "Records", dependencies: ["CLinux", "LinuxIO"], swiftSettings: settings),
    .target(name: "Wording", swiftSettings: settings),
    .target(name: "KafkaProtocol", swiftSettings: settings),
    .target(name: "LogStorage", dependencies: ["LinuxIO", "Records"], swiftSettings: settings),
    .target(
      name: "StorageBackends", dependencies: ["LinuxIO", "Records", "LogStorage"],
      exclude: ["README.md"], swiftSettings: settings),
    .target(
      name: "SimulatedStorage", dependencies: ["LinuxIO", "Records", "LogStorage"],
      swiftSettings: checking),
    .target(
      name: "TransferPaths", dependencies: ["LinuxIO", "LogStorage", deque], exclude: ["README.md"],
      swiftSettings: settings),
    .target(
      name: "CommitLog", dependencies: ["LinuxIO", "Records", "Wording", "LogStorage"],
      exclude: ["README.md"], swiftSettings: settings),
    .target(
      name: "LogRuntime", dependencies: ["LinuxIO", "Records", "LogStorage", "CommitLog", deque],
      swiftSettings: settings),
    .target(
      name: "CrashLaboratory",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "SimulatedStorage", "CommitLog", "LogRuntime",
      ],
      exclude: ["README.md"], swiftSettings: settings),
    .target(
      name: "Broker",
      dependencies: [
        "LinuxIO", "Records", "Wording", "KafkaProtocol", "LogStorage", "TransferPaths",
        "CommitLog", "LogRuntime", deque, heap, trees, logging,
      ],
      exclude: ["README.md"], swiftSettings: settings),
    .target(
      name: "EventFiles",
      dependencies: ["CLinux", "LinuxIO", "Records", "LogStorage", "CommitLog"],
      path: "Sources/Laboratory/EventFiles", swiftSettings: settings),
    .target(
      name: "Statistics", dependencies: ["LinuxIO"], path: "Sources/Laboratory/Statistics",
      swiftSettings: settings),
    .target(
      name: "Measurements", dependencies: ["CLinux", "LinuxIO", histogram],
      path: "Sources/Laboratory/Measurements", swiftSettings: settings),
    .target(
      name: "Suites",
      dependencies: ["LinuxIO", "Wording", "LogStorage", "Statistics", "Measurements", yams],
      path: "Sources/Laboratory/Suites", swiftSettings: settings),
    .target(
      name: "Load",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "CommitLog", "EventFiles", "Measurements", "Suites",
        histogram,
      ],
      path: "Sources/Laboratory/Load", swiftSettings: settings),
    .target(
      name: "Targets",
      dependencies: [
        "CLinux", "LinuxIO", "Records", "LogStorage", "TransferPaths", "CommitLog", "LogRuntime",
        "EventFiles", "Measurements", "Suites", "Load", histogram,
      ],
      path: "Sources/Laboratory/Targets", swiftSettings: settings),
    .target(
      name: "Trials",
      dependencies: [
        "CLinux", "LinuxIO", "Wording", "LogStorage", "Measurements", "Suites", "Targets",
        histogram,
      ],
      path: "Sources/Laboratory/Trials", swiftSettings: settings),
    .target(
      name: "Results",
      dependencies: [
        "CLinux", "LinuxIO", "Wording", "LogStorage", "Statistics", "Measurements", "Suites",
        "Targets", "Trials", histogram,
      ],
      path: "Sources/Laboratory/Results", swiftSettings: settings),
    .executableTarget(
      name: "varve",
      dependencies: [
        "LinuxIO", "Records", "Wording", "LogStorage", "StorageBackends", "SimulatedStorage",
        "TransferPaths", "CommitLog", "CrashLaboratory", "Broker", "EventFiles",
        "Statistics", "Measurements", "Suites", "Load", "Targets", "Trials", "Results",
        argumentParser,
      ],
      swiftSettings: settings),

    .target(
      name: "TestSupport",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "StorageBackends", "SimulatedStorage", "TransferPaths",
        "CommitLog", "CrashLaboratory",
      ],
      path: "Tests/TestSupport", swiftSettings: checking),
    .executableTarget(
      name: "AppendUntilKilled",
      dependencies: ["LogStorage", "CommitLog", "TestSupport"],
      path: "Tests/AppendUntilKilled", swiftSettings: settings),
    .executableTarget(
      name: "PowerCutGuest",
      dependencies: ["LinuxIO", "Records", "LogStorage", "CommitLog", "TestSupport"],
      path: "Tests/PowerCutGuest", exclude: ["README.md"], swiftSettings: settings),
    .executableTarget(
      name: "HuntMutant", dependencies: ["CrashLaboratory", "TestSupport"],
      path: "Tests/HuntMutant", swiftSettings: settings),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "LinuxIO", "Records", "KafkaProtocol", "LogStorage", "StorageBackends",
        "SimulatedStorage", "TransferPaths", "CommitLog", "Broker", "EventFiles", "TestSupport",
      ],
      path: "Tests/Fuzzing/Targets", swiftSettings: checking),
    .testTarget(
      name: "RecordsTests", dependencies: ["CLinux", "LinuxIO", "Records"],
      swiftSettings: testing),
    .testTarget(
      name: "KafkaProtocolTests", dependencies: ["LinuxIO", "KafkaProtocol"],
      swiftSettings: testing),
    .testTarget(
      name: "StorageTests",
      dependencies: [
        "CLinux", "LinuxIO", "Records", "LogStorage", "StorageBackends", "SimulatedStorage",
        "TestSupport",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "TransferTests",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "SimulatedStorage", "TransferPaths", "CommitLog",
        "TestSupport",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "CommitLogTests",
      dependencies: [
        "CLinux", "LinuxIO", "Records", "LogStorage", "StorageBackends", "SimulatedStorage",
        "CommitLog", "TestSupport", "AppendUntilKilled",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "LogRuntimeTests",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "SimulatedStorage", "CommitLog", "LogRuntime",
        "TestSupport",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "CrashLaboratoryTests",
      dependencies: [
        "LinuxIO", "Records", "LogStorage", "StorageBackends", "SimulatedStorage", "CommitLog",
        "CrashLaboratory", "TestSupport",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "BrokerTests",
      dependencies: [
        "LinuxIO", "Records", "KafkaProtocol", "LogStorage", "SimulatedStorage", "TransferPaths",
        "CommitLog", "Broker", "TestSupport", logging,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "LaboratoryTests",
      dependencies: [
        "CLinux", "LinuxIO", "Records", "LogStorage", "StorageBackends", "TransferPaths",
        "CommitLog",
        "Wording", "EventFiles", "Statistics", "Measurements", "Suites", "Load", "Targets",
        "Trials", "Results", "TestSupport", histogram,
      ],
      swiftSettings: testing),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: testing),
  ]
)

// Scripts/test tsan names the test targets that it runs: then only those are built, and what they need.
if let names = Context.environment["VARVE_TEST_TARGETS"]?.split(separator: ",").map(String.init) {
  let unneeded = ["varve", "HuntMutant", "PowerCutGuest", "FuzzTargets"]
  package.products = []
  package.targets.removeAll {
    $0.type == .test ? !names.contains($0.name) : unneeded.contains($0.name)
  }
}

if isFuzzed {
  package.targets.append(
    .executableTarget(
      name: "RunFuzzTarget", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Driver",
      swiftSettings: checking,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}
