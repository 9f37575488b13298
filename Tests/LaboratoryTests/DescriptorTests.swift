import LinuxIO
import TestSupport
import Testing

/// Here and not beside LinuxIO, because the mistake shows only where another module drops the
/// handle, and only in a release build.
struct DescriptorTests {
  @Test func `a file handle that goes out of scope closes its file`() throws {
    try Fixtures.withFolder { folder in
      let path = "\(folder)/a"
      for _ in 0..<3 { _ = try size(path) }
      #expect(try OpenDescriptors().targets.values.filter { $0 == path } == [])
    }
  }

  private func size(_ path: String) throws -> Int64 {
    let file = try LinuxIO.FileHandle(
      LinuxFileIO(), path, FileOpening(.readWrite, creation: .ifMissing))
    return try file.size()
  }
}
