#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Bodies that drip, and one that is slow but brings what it must.

usage: slow_bodies.py PORT LIMIT, LIMIT being kh2d's body_ms, in seconds

One connection drips on each of its streams, another uploads 1,024 octets at a time: to an
application that echoes, over twice the limit.
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
    echoed, sent = 0, 0
    end = time.monotonic() + 2 * limit
    with connect(port) as peer:
        open_bodies(peer, [1])
        while True:
            last = time.monotonic() >= end
            peer.frame(DATA, END_STREAM if last else 0, 1, PIECE)
            sent += len(PIECE)
            until = time.monotonic() + (LIMIT if last else limit / 4)
            while got := peer.read(until):
                if got.kind in (GOAWAY, RST_STREAM):
                    failures.append(f"upload: {got} after {sent} octets")
                    return
                if got.kind == DATA and got.stream == 1:
                    echoed += len(got.payload)
                    if got.flags & END_STREAM:
                        break
            if last:
                break
    if echoed != sent:
        failures.append(f"upload: {echoed} octets came back of {sent}")


def run(case, port, limit, failures):
    try:
        case(port, limit, failures)
    except (AssertionError, OSError) as error:
        failures.append(f"{case.__name__}: {error}")


def main():
    port, limit, failures = int(sys.argv[1]), float(sys.argv[2]), []
    threads = [threading.Thread(target=run, args=(case, port, limit, failures))
               for case in (drip, upload)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
