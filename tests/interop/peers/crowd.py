#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Opens many cleartext connections, asks on each for a large file, and reads no more than a little.

crowd.py HOST PORT NUMBER PATH

Prints "ready" when each connection has been answered, then stays until its server is gone or it
is ended.  Exits with 1 if a connection is not answered.
"""
import os
import select
import socket
import sys

LIMIT = 60 * float(os.environ.get("KH2_SLOW", "1") or "1")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


def request(path):
    """GET by fields that no table need hold."""
    literal = path.encode()
    block = b"\x82\x86\x04" + bytes([len(literal)]) + literal + b"\x01\x01a"
    return len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block


def main():
    host, port, number, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    crowd = []
    for _ in range(number):
        peer = socket.create_connection((host, port), timeout=LIMIT)
        peer.sendall(PREFACE + request(path))
        crowd.append(peer)
    for peer in crowd:
        got = 0
        while got < 1000:
            octets = peer.recv(4096)
            if not octets:
                return 1
            got += len(octets)
    print("ready", flush=True)
    poll = select.poll()
    poll.register(crowd[0], select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    poll.poll()
    return 0


sys.exit(main())
