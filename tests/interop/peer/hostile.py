#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Runs hostile and broken peers against a server, in TAP.

hostile.py --port N [--host H] [--tls] [--path /] [--vectors DIR] [NAME-PART...]
hostile.py --list

Each case speaks raw frames on a connection of its own and looks for the code that RFC 9113
demands, or for the connection's end; then a healthy connection must still be served.  KH2_SLOW
scales the time limits.
"""

import argparse
import os
import sys

import cases
from h2raw import Peer, SLOW


def healthy(options):
    """A request on a connection of its own is answered."""
    with Peer(options) as peer:
        peer.handshake()
        peer.get(1, options.path)
        peer.want_response(1)


def run(number, name, case, options):
    try:
        with Peer(options) as peer:
            case(peer)
        healthy(options)
    except (AssertionError, OSError, EOFError) as err:
        print(f"# {type(err).__name__}: {err}")
        print(f"not ok {number} {name}", flush=True)
        return False
    print(f"ok {number} {name}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--path", default="/")
    parser.add_argument("--vectors", default=os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "vectors"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()

    chosen = [(name, case) for name, case in cases.all_cases(options.vectors)
              if not options.names or any(part in name for part in options.names)]
    if options.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    if not options.port:
        parser.error("--port is needed")
    print("KTAP version 1")
    print(f"1..{len(chosen)}", flush=True)
    if SLOW != 1:
        print(f"# time limits times {SLOW:g}")
    failed = sum(not run(i, name, case, options) for i, (name, case) in enumerate(chosen, 1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
