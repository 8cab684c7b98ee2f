#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Peers that are slow to read or do not read at all, and what that costs kh2d.

usage: windows.py CASE DIRECTORY HOST PORT PID
"""

import json
import subprocess
import sys
import time

from h2conn import Connection, SLOW

MIB = 1 << 20
# Two workers, whose heaps may grow while they warm up, hold no more than this for one session.
BOUND = 16 * MIB
QUIET_S = 1.0 * SLOW


def memory_of(pid):
    """Octets that the process holds, and the module for its sessions."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        held = next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))
    done = subprocess.run(["kh2", "--json", "stats"], capture_output=True, check=False)
    if done.returncode == 0:
        held += json.loads(done.stdout)["memory"]
    return held


def content(directory, name):
    with open(f"{directory}/www/{name}", "rb") as file:
        return file.read()


def drain(c, quiet=QUIET_S):
    """Receives until nothing has come for a while."""
    while c.receive(quiet):
        pass


def stopped_reader(c, directory, pid):
    """All windows are open, but nothing is read from the socket: TCP pushes back."""
    c.h2.increment_flow_control_window(2 ** 30)
    before = memory_of(pid)
    stream = c.request("/24M")
    c.h2.increment_flow_control_window(2 ** 30, stream)
    c.flush()
    c.receive()
    seen = [memory_of(pid)]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        seen.append(memory_of(pid))
        time.sleep(0.2)
    assert max(seen) - before < BOUND, (before, seen)
    assert c.wait(stream) == content(directory, "24M")


def shut_stream(c, directory, pid):
    """A stream whose window is shut waits; others are served meanwhile."""
    del pid
    c.h2.increment_flow_control_window(2 ** 30)
    c.acknowledge = False
    shut = c.request("/24M")
    c.flush()
    drain(c)
    assert len(c.bodies[shut]) == 65535, len(c.bodies[shut])
    for _ in range(3):
        assert c.wait(c.request("/small")) == b"small\n"
    assert len(c.bodies[shut]) == 65535
    c.h2.increment_flow_control_window(2 ** 30, shut)
    c.flush()
    assert c.wait(shut) == content(directory, "24M")


def tiny_window(c, directory, pid):
    """The stream's window is one octet at a time."""
    del pid
    c.h2.update_settings({4: 0})
    c.flush()
    drain(c, QUIET_S / 2)
    c.acknowledge = False
    stream = c.request("/300")
    wanted = content(directory, "300")
    for count in range(1, 51):
        c.h2.increment_flow_control_window(1, stream)
        c.flush()
        while len(c.bodies[stream]) < count:
            assert c.receive()
        assert c.bodies[stream] == wanted[:count]
    c.h2.increment_flow_control_window(65535, stream)
    c.flush()
    assert c.wait(stream) == wanted


def unread_echo(c, directory, pid):
    """The answer is not read, so the application stops reading, so our window shuts."""
    sent = content(directory, "24M")
    before = memory_of(pid)
    c.acknowledge = False
    stream = c.request("/", method="POST", end=False)
    at = c.send(stream, sent, QUIET_S)
    assert at < len(sent), "the window never shut"
    assert at < BOUND, at
    assert memory_of(pid) - before < BOUND, (before, memory_of(pid))
    assert len(c.bodies[stream]) == 65535, len(c.bodies[stream])

    c.open_windows()
    c.send_all(stream, sent[at:])
    assert c.wait(stream) == sent


def unread_stream(c, directory, pid):
    """The answer to one stream is not read, so its body is not: another goes on."""
    del pid
    c.h2.increment_flow_control_window(2 ** 30)
    c.acknowledge = False
    stream = c.request("/", method="POST", end=False)
    sent = c.send(stream, bytes(4 * MIB), QUIET_S)
    assert 65535 <= sent < 4 * MIB, sent
    other = c.request("/", method="POST", end=False)
    c.h2.increment_flow_control_window(2 ** 30, other)
    sent = content(directory, "24M")[:MIB]
    c.send_all(other, sent)
    assert c.wait(other) == sent


CASES = {
    "stopped-reader": stopped_reader,
    "shut-stream": shut_stream,
    "tiny-window": tiny_window,
    "unread-echo": unread_echo,
    "unread-stream": unread_stream,
}


def main():
    case, directory, host, port, pid = sys.argv[1:]
    connection = Connection(host, port)
    CASES[case](connection, directory, int(pid))
    connection.close()


main()
