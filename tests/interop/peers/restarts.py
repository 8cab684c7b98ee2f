#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Kills, stops and restarts servers at random moments while clients use them.

restarts.py KILLS SECONDS SEED SERVER...

Ends after KILLS or SECONDS, whichever comes first (0: no limit).  Each SERVER is a line: a port,
how its clients connect (clear, or a CA's file for TLS), what they do (FILE: fetch it; "echo": send
octets and have them back), and the command.  A server is started again at once, on the same port.
What a client was told has ended must be whole; that its connection ends is no fault.
"""
import collections
import hashlib
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import h2.exceptions
from h2conn import Connection

SLOW = float(os.environ.get("KH2_SLOW", "1") or "1")
CLIENTS = 2
LIMIT = 60 * SLOW

stop = threading.Event()
count = collections.Counter()
faults = []


class Server:
    def __init__(self, line):
        port, how, what, *self.command = shlex.split(line)
        self.port, self.ca, self.what = int(port), None if how == "clear" else how, what
        self.process = None

    def start(self):
        with open(f"kh2d.{self.port}.err", "w", encoding="ascii") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log)

    def listens(self):
        try:
            socket.create_connection(("localhost", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def wait(self):
        end = time.monotonic() + LIMIT
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(f"kh2d.{self.port}.err", encoding="ascii") as log:
                    faults.append(f"{self.port} does not start again: {log.read()}")
                    return
            time.sleep(0.01)

    def end(self, number):
        self.process.send_signal(number)
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            faults.append(f"{self.port} does not end by signal {number}")
            self.process.kill()
            self.process.wait()


def fetch(connection, server):
    with open(server.what, "rb") as file:
        wanted = file.read()
    if connection.wait(connection.request("/" + os.path.basename(server.what))) != wanted:
        faults.append("a file that had ended was not whole")


def echo(connection, server):
    del server
    sent = os.urandom(random.randrange(1, 120000))
    stream = connection.request("/", method="POST", end=False)
    connection.send_all(stream, sent)
    if hashlib.sha256(connection.wait(stream)).digest() != hashlib.sha256(sent).digest():
        faults.append("an echo that had ended was not whole")


def client(server):
    """Uses one connection until it ends, then another."""
    work = echo if server.what == "echo" else fetch
    while not stop.is_set():
        try:
            connection = Connection("localhost", server.port, server.ca)
            while not stop.is_set():
                work(connection, server)
                count["whole"] += 1
            connection.close()
        except TimeoutError as error:
            faults.append(f"a client waits in vain: {error}")
        except (OSError, h2.exceptions.ProtocolError):
            # Ended, refused while nobody listens, or told to go away
            count["ended"] += 1
            time.sleep(0.01)


def kill(server):
    way = random.choice(("kill", "kill", "kill", "term", "stop", "stop and kill"))
    if way.startswith("stop"):
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(random.random() * 0.1)
        if way == "stop":
            server.process.send_signal(signal.SIGCONT)
    count[way] += 1
    if way != "stop":
        server.end(signal.SIGTERM if way == "term" else signal.SIGKILL)
        server.start()
        server.wait()


def main():
    kills, seconds, seed = (int(word) for word in sys.argv[1:4])
    servers = [Server(line) for line in sys.argv[4:]]
    random.seed(seed)
    for server in servers:
        server.start()
        server.wait()
    clients = [threading.Thread(target=client, args=(server,), daemon=True)
               for server in servers for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    begun, number = time.monotonic(), 0
    while not faults and not (kills and number >= kills) and not (
            seconds and time.monotonic() - begun > seconds):
        time.sleep(random.random() * 0.3)
        kill(random.choice(servers))
        number += 1
    stop.set()
    for server in servers:
        server.end(signal.SIGKILL)
    for thread in clients:
        thread.join(LIMIT)
        if thread.is_alive():
            faults.append("a client does not notice the end")
    print(f"seed {seed}: {number} times in {time.monotonic() - begun:.0f} s: "
          + ", ".join(f"{name} {n}" for name, n in sorted(count.items())))
    for fault in faults:
        print(fault)
    return int(bool(faults) or not count["whole"])


sys.exit(main())
