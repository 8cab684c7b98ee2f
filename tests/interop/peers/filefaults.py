#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What becomes of a file while it is sent: its stream may suffer, nothing else.

usage: filefaults.py CASE DIRECTORY HOST PORT [CA]

DIRECTORY/www is what is served, DIRECTORY/device names what is under the disk of disk.py that is
mounted at www/disk.
"""
import os
import sys

import disk
from h2conn import Connection

INTERNAL_ERROR = 2
PAGE = 4096
DROP_PAGES = "1"


class Place:
    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return f"{self.directory}/www/{name}"

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, octets):
        with open(self.path(name), "wb") as file:
            file.write(octets)

    def mood(self, word):
        with open(f"{self.directory}/device", encoding="ascii") as file:
            disk.set_mood(file.read().strip(), word)


def forget_pages():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write(DROP_PAGES)


def begin(c, name):
    """Has a first window's worth of a file sent, and no more."""
    c.acknowledge = False
    stream = c.request("/" + name)
    while len(c.bodies[stream]) < 65535:
        assert c.receive(), "nothing comes"
    # Connection-level room for the neighbours; the stream's own window stays shut.
    c.h2.increment_flow_control_window(2 ** 30)
    c.flush()
    return stream


def go_on(c, stream):
    c.h2.increment_flow_control_window(2 ** 30, stream)
    c.flush()


def end_of(c, stream):
    while stream not in c.ended and stream not in c.resets:
        assert c.receive(), "neither goes on nor ends"


def expect_reset(c, stream, original):
    end_of(c, stream)
    assert stream not in c.ended, "ended as if it were whole"
    assert c.resets[stream] == INTERNAL_ERROR, c.resets[stream]
    got = bytes(c.bodies[stream])
    assert got == original[:len(got)], "octets that are not the file's"
    assert len(got) < len(original)


def neighbour(c, place):
    stream = c.request("/small")
    assert c.wait(stream) == place.read("small")


def truncated(c, place):
    """Cut, on a page's border, to less than what is read ahead."""
    original = os.urandom(1 << 20)
    place.write("cut", original)
    stream, other = begin(c, "cut"), None
    other = c.request("/1M")
    os.truncate(place.path("cut"), 32 * PAGE)
    go_on(c, stream)
    expect_reset(c, stream, original)
    go_on(c, other)
    assert c.wait(other) == place.read("1M"), "the neighbour's octets"
    neighbour(c, place)


def truncated_to_nothing(c, place):
    original = os.urandom(1 << 20)
    place.write("emptied", original)
    stream = begin(c, "emptied")
    os.truncate(place.path("emptied"), 0)
    go_on(c, stream)
    expect_reset(c, stream, original)
    neighbour(c, place)


def replaced(c, place):
    """The stream goes on with the file that it began with; the next request gets the new one."""
    original, new = os.urandom(1 << 20), os.urandom(3 << 19)
    place.write("replaced", original)
    stream = begin(c, "replaced")
    place.write("replaced.new", new)
    os.rename(place.path("replaced.new"), place.path("replaced"))
    go_on(c, stream)
    assert c.wait(stream) == original
    for _ in range(50):         # until it is noticed that the path leads elsewhere
        c.acknowledge = True
        if c.wait(c.request("/replaced")) == new:
            return
        c.receive(0.1)
    raise AssertionError("the new file is never sent")


def removed(c, place):
    original = os.urandom(1 << 20)
    place.write("removed", original)
    stream = begin(c, "removed")
    os.unlink(place.path("removed"))
    go_on(c, stream)
    assert c.wait(stream) == original


def failing(c, place):
    """Reads of the disk fail: INTERNAL_ERROR; when they do no more, the file is sent."""
    original = place.read("disk/large")
    forget_pages()
    stream = begin(c, "disk/large")
    place.mood("fail")
    forget_pages()
    go_on(c, stream)
    expect_reset(c, stream, original)
    neighbour(c, place)
    place.mood("well")
    c.acknowledge = True
    assert c.wait(c.request("/disk/large")) == original


def failing_at_once(c, place):
    """Not one octet can be read."""
    original = place.read("disk/large")
    forget_pages()
    place.mood("fail")
    stream = c.request("/disk/large")
    expect_reset(c, stream, original)
    assert not c.bodies[stream]
    neighbour(c, place)
    place.mood("well")


def hanging(c, place):
    """A disk that does not answer holds up who reads from it, and nobody else."""
    original = place.read("disk/large")
    forget_pages()
    stream = begin(c, "disk/large")
    forget_pages()
    place.mood("hang")
    go_on(c, stream)
    for _ in range(5):
        neighbour(c, place)
    other = c.request("/1M")
    go_on(c, other)
    assert c.wait(other) == place.read("1M")
    assert stream not in c.ended and stream not in c.resets
    assert len(c.bodies[stream]) < len(original)
    place.mood("well")
    assert c.wait(stream) == original


FILE_CASES = (truncated, truncated_to_nothing, replaced, removed)
DISK_CASES = (failing, failing_at_once, hanging)
CASES = {function.__name__.replace("_", "-"): function for function in FILE_CASES + DISK_CASES}


def main():
    case, directory, host, port, ca = (*sys.argv[1:6], None)[:5]
    place = Place(directory)
    connection = Connection(host, port, ca)
    try:
        CASES[case](connection, place)
    finally:
        if CASES[case] in DISK_CASES:
            place.mood("well")
    connection.close()


main()
