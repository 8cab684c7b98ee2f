#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A connection that is to notice nothing of what is done to others.

healthy.py HOST PORT FILE [CA]

Fetches /NAME, NAME being the name of FILE, some times a second over one connection, and compares
it with FILE.  Prints "begun" after the first time.  Told to end by SIGTERM it finishes what is under
way and exits with 0 if all was whole.
"""
import os
import signal
import sys
import time

from h2conn import Connection

stopped = []


def main():
    host, port, name, ca = (*sys.argv[1:5], None)[:4]
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    with open(name, "rb") as file:
        wanted = file.read()
    connection = Connection(host, port, ca)
    times = 0
    while not stopped:
        stream = connection.request("/" + os.path.basename(name))
        if connection.wait(stream) != wanted:
            print(f"file differs, time {times + 1}")
            return 1
        del connection.bodies[stream]
        times += 1
        if times == 1:
            print("begun", flush=True)
        time.sleep(0.2)
    connection.close()
    print(f"{times} times whole")
    return 0


sys.exit(main())
