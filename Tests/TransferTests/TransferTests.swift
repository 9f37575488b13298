import Testing

/// Everything about the way from the log to a socket. One after the other: they fill the
/// buffers of sockets, which the kernel takes from one pool (`tcp_mem`).
@Suite(.serialized) struct TransferTests {}
