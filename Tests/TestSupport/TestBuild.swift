/// How this build was made.
package enum TestBuild {
  /// False in debug builds, which check exclusivity and assertions: tests that run long there and show nothing
  /// more are left to release builds (`.enabled(if: TestBuild.isOptimized)`).
  package static let isOptimized: Bool = {
    #if DEBUG
      false
    #else
      true
    #endif
  }()
}
