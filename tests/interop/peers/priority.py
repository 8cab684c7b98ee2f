#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A client that says in which order it wants its answers, and looks whether they come so.

usage: priority.py CASE HOST PORT

The first answer uses up the connection's window, so that the others wait together; then the
window is opened and the order shows.
"""

import struct
import sys

import h2.events

from h2conn import Connection

MIB = 1 << 20
SIZE = 4 * MIB


class Client(Connection):
    """Notes in which order streams ended, and how much others had come to then."""

    def __init__(self, *args):
        super().__init__(*args)
        self.acknowledge = False
        self.order, self.pongs = [], 0
        self.h2.update_settings({4: 2 ** 24})
        self.flush()
        self.shut()

    def handle(self, event):
        super().handle(event)
        if isinstance(event, h2.events.StreamEnded):
            self.order.append(event.stream_id)
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1

    def until(self, condition):
        while not condition():
            assert self.receive(), "nothing comes any more"

    def shut(self):
        first = self.request("/4M")
        self.until(lambda: len(self.bodies[first]) >= 65535)
        self.h2.reset_stream(first, 8)
        self.flush()

    def ask(self, **kwargs):
        """A request that may carry a dependency."""
        stream = self.h2.get_next_available_stream_id()
        value = kwargs.pop("value", None)
        self.h2.send_headers(stream, [(":method", "GET"), (":scheme", self.scheme),
                                      (":authority", self.authority), (":path", "/4M"),
                                      *([("priority", value)] if value else [])],
                             end_stream=True, **kwargs)
        self.bodies[stream] = bytearray()
        self.flush()
        return stream

    def update(self, stream, value):
        """PRIORITY_UPDATE, which python3-h2 does not know"""
        payload = struct.pack(">I", stream) + value.encode()
        self.sock.sendall(struct.pack(">I", len(payload))[1:] + b"\x10\0\0\0\0\0" + payload)

    def settle(self):
        """All requests have been answered, and what followed them was read."""
        self.until(lambda: set(self.bodies) - {1} <= set(self.answers))
        before = self.pongs
        self.h2.ping(b"priority")
        self.flush()
        self.until(lambda: self.pongs > before)

    def open(self, octets):
        """Lets so many octets more come, and waits for them."""
        have = self.received()
        self.h2.increment_flow_control_window(octets)
        self.flush()
        self.until(lambda: self.received() >= have + octets)

    def received(self):
        return sum(map(len, self.bodies.values()))

    def ends(self, *order):
        self.settle()
        self.open(len(order) * SIZE)
        assert self.order == list(order), (self.order, order)

    def shares(self, octets, shares):
        """Of the next octets each stream gets its share, give or take a tenth and 64 KiB."""
        self.settle()
        before = {stream: len(self.bodies[stream]) for stream in shares}
        self.open(octets)
        for stream, share in shares.items():
            got = len(self.bodies[stream]) - before[stream]
            want = octets * share / sum(shares.values())
            assert abs(got - want) <= want / 10 + 65536, (stream, got, want)


def urgency(c):
    low, high, middle = c.ask(value="u=5"), c.ask(value="u=1"), c.ask(value="u=3")
    c.ends(high, middle, low)


def incremental(c):
    c.shares(3 * MIB, {c.ask(value="u=2, i"): 1, c.ask(value="u=2, i"): 1,
                       c.ask(value="u=2, i"): 1, c.ask(value="u=4, i"): 0})


def not_incremental(c):
    c.ends(*[c.ask(value="u=2") for _ in range(3)])


def no_signal(c):
    c.shares(3 * MIB, {c.ask(): 1, c.ask(): 1, c.ask(): 1})


def update(c):
    first, second = c.ask(value="u=2"), c.ask(value="u=2")
    c.update(second + 2, "u=0")
    c.settle()
    c.open(MIB)
    assert len(c.bodies[first]) >= MIB - 65536
    c.update(first, "u=6")
    third = c.ask(value="u=7")
    c.settle()
    c.open(3 * SIZE - MIB)
    assert c.order == [third, second, first], c.order


def weights(c):
    heavy = c.ask(priority_weight=200, priority_depends_on=0)
    light = c.ask(priority_weight=100, priority_depends_on=0)
    c.shares(3 * MIB, {heavy: 2, light: 1})
    c.h2.prioritize(light, weight=200)
    c.flush()
    c.shares(2 * MIB, {heavy: 1, light: 1})


def dependencies(c):
    first = c.ask(priority_weight=16, priority_depends_on=0)
    second = c.ask(priority_weight=256, priority_depends_on=first)
    third = c.ask(priority_weight=256, priority_depends_on=first, priority_exclusive=True)
    c.ends(first, third, second)


def both(c):
    """The urgency counts."""
    first = c.ask(value="u=5", priority_weight=256, priority_depends_on=0)
    second = c.ask(value="u=1", priority_weight=1, priority_depends_on=first)
    c.ends(second, first)


CASES = {function.__name__: function for function in
         (urgency, incremental, not_incremental, no_signal, update, weights, dependencies, both)}


def main():
    case, host, port = sys.argv[1:]
    client = Client(host, port)
    CASES[case](client)
    client.close()


main()
