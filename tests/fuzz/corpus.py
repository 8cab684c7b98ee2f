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


REQUESTS = (
    (":method:GET", ":scheme:https", ":path:/a%20b/c.html?x=1", ":authority:a", "cookie:a=b",
     "range:bytes=0-9", "if-range:\"3e8-1\"", "priority:u=1, i"),
    (":method:POST", ":scheme:http", ":path:/", "host:a:8080", "content-length:12", "te:trailers"),
    (":method:GET", ":scheme:https", ":path:/.well-known/x", ":authority:a",
     "if-none-match:W/\"1\", \"3e8-1\"", "if-modified-since:Sun, 09 Sep 2001 01:46:40 GMT",
     "range:bytes=-500"),
    (":method:CONNECT", ":authority:a:443"),
    (":method:CONNECT", ":protocol:websocket", ":scheme:https", ":path:/chat", ":authority:a"),
    (":method:OPTIONS", ":scheme:https", ":path:*", ":authority:a"),
    (":method:GET", ":scheme:https", ":path:/%2e%2e/%2fetc//x/../%00", "user-agent:x",
     "if-unmodified-since:Sunday, 09-Sep-01 01:46:40 GMT", "if-match:*"),
    (":status:200", "x-sum:1"),
)

COMMAND_LINES = (
    ("--listen", ":8443", "--cert", "c.pem", "--key", "k.pem", "--root", "/srv"),
    ("--listen", "[::1]:0", "--app", "./a.so:x=1", "--workers", "4", "--backend", "user"),
    ("--listen=127.0.0.1:80", "--root=/srv", "--limit=streams=7", "--limit=idle_ms=0",
     "--padding=aligned", "--header=x-a: b", "--access-log=-", "--file-cache=0", "--user=nobody"),
    ("--listen=:1", "--root=/", "--session-timeout=5", "--stop-timeout=0", "--log-level=debug"),
)


def save(path, octets_):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets_)


def texts(target):
    for i, lines in enumerate(REQUESTS):
        save(target / "http" / f"request{i}", b"\1" + "\n".join(lines).encode())
    for i, lines in enumerate(COMMAND_LINES):
        save(target / "options" / f"line{i}", "\n".join(lines).encode())


def main():
    source, target = sys.argv[1], pathlib.Path(sys.argv[2])
    for name, role, raw, data in vectors(source):
        if len(data) > 4096:
            continue
        full = data if raw else (PREFACE if role == "server" else b"") + \
            SETTINGS + SETTINGS_ACK + data
        places = {role: b"\0" + full, "split": bytes([role == "client", 7]) + full,
                  "session": as_session(name) + full,
                  "commands": bytes([128 + (role == "client")]) + as_commands(full)}
        if role == "client":
            del places["session"]
        for kind, seed in places.items():
            save(target / kind / name, seed)
        # what stands behind a head is a header block, often enough
        if len(data) > 9:
            save(target / "http" / name, b"\x80" + 2 * data[9:])
    texts(target)


def as_session(name):
    """fuzz_session.c: octets a turn, and what each callback does; another mix for each vector"""
    start = sum(name.encode())
    return bytes([255] + [(start * (i + 3) + i) % 24 for i in range(16)])


def as_commands(data):
    """fuzz_commands.c: octets of the peer by 147 and a length; then an owner that answers"""
    out = bytearray()
    for i in range(0, len(data), 255):
        piece = data[i:i + 255]
        out += bytes([147, len(piece)]) + piece + bytes([18, 22])
    return bytes(out)


if __name__ == "__main__":
    main()
