#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Bodies that drip, one that is slow but brings what it must, and one of a conversation.

usage: slow_bodies.py PORT LIMIT CASE..., LIMIT being kh2d's body_ms, in seconds

To an application that answers when it has the whole body: one connection drips on each of its
streams, another uploads 1,024 octets at a time, over twice the limit.  To one that answers at once
and echoes: one says nothing for as long, and then goes on.
"""

import argparse
import sys
import threading
import time

from h2raw import (CANCEL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, LIMIT, RST_STREAM, Peer,
                   frame)

STREAMS = range(1, 64, 2)
PIECE = bytes(1024)


def connect(port):
    return Peer(argparse.Namespace(host="127.0.0.1", port=port, tls=False))


def open_bodies(peer, streams):
    peer.handshake()
    peer.send(b"".join(frame(HEADERS, END_HEADERS, stream, peer.request("/", "POST"))
                       for stream in streams))


def drip(port, limit, failures):
    left = set(STREAMS)
    end = time.monotonic() + 2 * limit + LIMIT
    with connect(port) as peer:
        open_bodies(peer, STREAMS)
        while left and time.monotonic() < end:
            peer.send(b"".join(frame(DATA, 0, stream, b"x") for stream in sorted(left)))
            until = time.monotonic() + 1
            while got := peer.read(until):
                if got.kind == GOAWAY or (got.kind == RST_STREAM and got.code != CANCEL):
                    failures.append(f"drip: {got}")
                    return
                if got.kind == RST_STREAM:
                    left.discard(got.stream)
            if peer.ended:
                failures.append(f"drip: the connection ended; saw {peer.seen}")
                return
    if left:
        failures.append(f"drip: {len(left)} of {len(STREAMS)} streams live on")


def upload(port, limit, failures):
    sent = 0
    end = time.monotonic() + 2 * limit
    with connect(port) as peer:
        open_bodies(peer, [1])
        while time.monotonic() < end:
            peer.frame(DATA, 0, 1, PIECE)
            sent += len(PIECE)
            until = time.monotonic() + limit / 4
            while got := peer.read(until):
                if got.kind in (GOAWAY, RST_STREAM):
                    failures.append(f"upload: {got} after {sent} octets")
                    return
        peer.frame(DATA, END_STREAM, 1)
        counted = peer.want_response(1)
    if int(counted) != sent:
        failures.append(f"upload: {counted} octets of {sent}")


def echoed(peer, until):
    """What comes back on stream 1 until it ends, or the time is up, and whether it has ended"""
    said = b""
    while got := peer.read(until):
        assert got.kind not in (GOAWAY, RST_STREAM), f"{got}"
        if got.kind == DATA:
            said += got.payload
            if got.flags & END_STREAM:
                return said, True
    assert not peer.ended, f"the connection ended; saw {peer.seen}"
    return said, False


def converse(port, limit, failures):
    with connect(port) as peer:
        open_bodies(peer, [1])
        peer.frame(DATA, 0, 1, b"a")
        before = echoed(peer, time.monotonic() + 2 * limit)
        peer.frame(DATA, END_STREAM, 1, b"b")
        after = echoed(peer, time.monotonic() + LIMIT)
    if (before, after) != ((b"a", False), (b"b", True)):
        failures.append(f"converse: {before} and {after} came back")


CASES = {case.__name__: case for case in (drip, upload, converse)}


def run(case, port, limit, failures):
    try:
        case(port, limit, failures)
    except (AssertionError, OSError) as error:
        failures.append(f"{case.__name__}: {error}")


def main():
    port, limit, failures = int(sys.argv[1]), float(sys.argv[2]), []
    threads = [threading.Thread(target=run, args=(case, port, limit, failures))
               for case in (CASES[name] for name in sys.argv[3:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
