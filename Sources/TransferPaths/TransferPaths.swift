// TransferPaths: ways from a slice of the log to a socket, one file each.
//
// Belongs here: the seam `TransferPath`, what its conformers share, and the conformers. Does not:
// where slices come from, who they are sent to, and the loop that waits until a socket takes more.

/// The paths that ship. A new one is a line here.
package enum ShippedPaths {
  package static let all: [any TransferPath.Type] = [
    CopyPath.self,
    SendfilePath.self,
    SplicePath.self,
    MappedPath.self,
    ZeroCopySendPath.self,
  ]
}
