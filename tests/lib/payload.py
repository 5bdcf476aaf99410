"""DUMP payloads made or altered by a test."""


def _table():
    out = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x95AC9329AC4BC9B5 if i & 1 else 0)
        out.append(i)
    return out


_TABLE = _table()


def crc64(data):
    """CRC-64/Jones, as the footer of a payload has it."""
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc


def with_footer(value):
    """The value (its first byte is the type) with RDB version 10 and a checksum that fits."""
    body = bytes(value) + (10).to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")
