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
ENOUGH = 1000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
SETTINGS_ACK = bytes.fromhex("000000040100000000")


def request(path):
    """GET by fields that no table need hold."""
    literal = path.encode()
    block = b"\x82\x86\x04" + bytes([len(literal)]) + literal + b"\x01\x01a"
    return len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block


class Crowd:
    """The connections, and how much each that still waits for its answer has got."""

    def __init__(self):
        self.poll = select.poll()
        self.peers = {}
        self.got = {}
        self.lost = 0

    def join(self, peer):
        self.peers[peer.fileno()] = peer
        self.got[peer.fileno()] = 0
        self.poll.register(peer, select.POLLIN)

    def leave(self, number):
        self.poll.unregister(number)
        del self.got[number]

    def read(self, seconds):
        """Reads where something has come; whether that was anywhere."""
        ready = self.poll.poll(seconds * 1000)
        for number, _ in ready:
            try:
                octets = self.peers[number].recv(ENOUGH)
                if octets and not self.got[number]:     # SETTINGS comes first
                    self.peers[number].sendall(SETTINGS_ACK)
            except ConnectionError:
                octets = b""
            self.got[number] += len(octets)
            self.lost += not octets
            if not octets or self.got[number] >= ENOUGH:
                self.leave(number)
        return bool(ready)

    def stay(self):
        """Until the server is gone."""
        end = select.poll()
        end.register(next(iter(self.peers)), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        end.poll()


def main():
    host, port, number, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    crowd = Crowd()
    for _ in range(number):
        peer = socket.create_connection((host, port), timeout=LIMIT)
        peer.sendall(PREFACE + request(path))
        crowd.join(peer)
        crowd.read(0)
    while crowd.got:
        if not crowd.read(LIMIT):
            return 1
    if crowd.lost:
        return 1
    print("ready", flush=True)
    crowd.stay()
    return 0


sys.exit(main())
