# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The host's side of the frames that agent.h describes."""

import os
import struct

EXEC, INPUT, SIGNAL, PUT, GET = range(1, 6)
HELLO, STARTED, STDOUT, STDERR, EXIT, ERROR = range(16, 22)

EXEC_NO_INPUT, EXEC_TTY = 1, 2
MODE_KEEP = 0xFFFFFFFF

HEADER = struct.Struct("<III")  # length of the payload, id, type
CHUNK = 32 << 10


def pack(kind, number, payload=b""):
    return HEADER.pack(len(payload), number, kind) + payload


def encoded(text):
    return text if isinstance(text, bytes) else os.fsencode(str(text))


def pack_exec(number, argv, env, cwd, flags, size=(0, 0)):
    """The frame that starts a command. argv and env hold bytes, or whatever str() makes text of."""
    variables = [encoded(name) + b"=" + encoded(value) for name, value in env.items()]
    strings = [encoded(cwd), *(encoded(arg) for arg in argv), *variables]
    if any(b"\0" in string for string in strings):
        raise ValueError("embedded null byte")
    head = struct.pack("<IHHII", flags, *size, len(argv), len(variables))
    return pack(EXEC, number, head + b"".join(string + b"\0" for string in strings))


def pack_put(number, path, mode):
    head = struct.pack("<I", MODE_KEEP if mode is None else mode)
    return pack(PUT, number, head + encoded(path) + b"\0")


def pack_get(number, path):
    return pack(GET, number, encoded(path) + b"\0")


def pack_signal(number, signal, group):
    return pack(SIGNAL, number, struct.pack("<II", signal, group))


def unpack_number(payload):
    return struct.unpack("<I", payload)[0]


class Decoder:
    """Cuts a stream of bytes, in whatever pieces it comes, into frames."""

    def __init__(self):
        self.pending = bytearray()

    def feed(self, data):
        """Yields (type, id, payload) for each frame that is complete now."""
        self.pending += data
        start = 0
        while len(self.pending) - start >= HEADER.size:
            length, number, kind = HEADER.unpack_from(self.pending, start)
            end = start + HEADER.size + length
            if end > len(self.pending):
                break
            yield kind, number, bytes(self.pending[start + HEADER.size : end])
            start = end
        del self.pending[:start]
