import Testing

/// Everything about the way from the log to a socket. One after the other: some count what the
/// process has open.
@Suite(.serialized) struct TransferTests {}
