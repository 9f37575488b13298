"""The records of this load: each says who sent it, and as which of its sender's."""
import struct

import raw

_HEADER = struct.Struct(">BQ")


def value(producer, number):
    """The value of a producer's record `number`: its length and bytes follow from the two."""
    return _HEADER.pack(producer, number) + bytes([number & 255]) * (number * 37 % 200)


def parse(content):
    """(producer, number), or None where the bytes are not what `value` makes."""
    if len(content) < _HEADER.size:
        return None
    found = _HEADER.unpack_from(content)
    return found if content == value(*found) else None


def in_batches(data):
    """(offset, value) of every record in the uncompressed batches that `data` has whole."""
    for base, count, batch in raw.whole_batches(data):
        position = 61
        for _ in range(count):
            length, position = _varint(batch, position)
            end = position + length
            _, position = _varint(batch, position + 1)  # behind the attributes: the timestamp
            delta, position = _varint(batch, position)
            key, position = _varint(batch, position)
            size, position = _varint(batch, position + max(0, key))
            yield base + delta, batch[position:position + size]
            position = end


def _varint(data, position):
    """A zigzag varint and where it ends."""
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return (result >> 1) ^ -(result & 1), position
        shift += 7
