#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Makes seeds for the fuzzers of the vectors: corpus.py VECTORS-DIR OUT-DIR"""

import pathlib
import re
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("000000040000000000")
SETTINGS_ACK = bytes.fromhex("000000040100000000")


def octets(text):
    out = bytearray()
    for word in text.split():
        if word.startswith('"'):
            out += word[1:-1].encode()
            continue
        match = re.fullmatch(r"([0-9a-fA-F]*)([0-9a-fA-F]{2})\*(\d+)", word)
        if match:
            out += bytes.fromhex(match[1]) + bytes.fromhex(match[2]) * int(match[3])
        else:
            out += bytes.fromhex(word)
    return bytes(out)


def vectors(directory):
    """Yields (name, role, raw, octets) of each vector."""
    for path in sorted(pathlib.Path(directory).glob("*.vec")):
        name = None
        for line in path.read_text().splitlines() + ["vector "]:
            word, _, rest = line.split("#")[0].strip().partition(" ")
            if word == "vector":
                if name:
                    yield name, role, raw, bytes(data)
                name, role, raw, data = rest, "server", False, bytearray()
            elif word == "role":
                role = rest
            elif word == "raw":
                raw = True
            elif word == "in":
                data += octets(rest)


def main():
    source, target = sys.argv[1], pathlib.Path(sys.argv[2])
    for name, role, raw, data in vectors(source):
        if len(data) > 4096:
            continue
        full = data if raw else (PREFACE if role == "server" else b"") + \
            SETTINGS + SETTINGS_ACK + data
        places = {role: b"\0" + full, "split": bytes([role == "client", 7]) + full,
                  "commands": bytes([role == "client"]) + as_commands(full)}
        for kind, seed in places.items():
            (target / kind).mkdir(parents=True, exist_ok=True)
            (target / kind / name).write_bytes(seed)


def as_commands(data):
    """fuzz_commands.c: 0 and a length, then octets of the peer; other codes are the owner's"""
    out = bytearray()
    for i in range(0, len(data), 255):
        piece = data[i:i + 255]
        out += bytes([0, len(piece)]) + piece
    return bytes(out) + bytes([1, 1, 1, 2, 1, 40, 3, 0, 4, 1, 5, 1])


if __name__ == "__main__":
    main()
