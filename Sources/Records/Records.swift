// Records: Kafka's record batches as bytes and values.
//
// Belongs here: the v2 format (header, view in place, builder), CRC-32C, variable-length integers,
// offsets and partitions, the partitioner. Does not: I/O, threads, or any decision of a log.
