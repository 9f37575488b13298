// KafkaProtocol: the messages of Kafka's wire protocol, from bytes and to bytes.
//
// Belongs here: requests and responses with the versions that are spoken, their headers and frames,
// error codes, and the coding of fields. A message is a struct whose `fields` lists its fields
// once, for both directions; names and defaults are those of Kafka's own message definitions
// (clients/src/main/resources/common/message in Apache Kafka). Where a nullable field has no
// default there, a string begins as nil, and an array as nil in a request (where that means "all",
// or "as the broker likes") and as empty in a response.
//
// Does not: sockets, threads, or what a broker answers. Record batches are carried unopened:
// `Records` reads them.
//
// What is decoded comes from outside. Decoding throws a `WireError` for bytes that are not a whole
// message, and never traps; the time and memory that it takes are bounded by the frame's size
// (`WireLimits`).
