#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A disk that fails or hangs when told to: a mapping of the device mapper onto another device.

usage: disk.py make DEVICE       maps DEVICE, says the mapping's own device
       disk.py MOOD DEVICE       "well"; "fail": each read and write fails with EIO; "hang": what
                                 comes waits until the mood is another
       disk.py remove DEVICE
"""
import fcntl
import os
import struct
import sys

NAME = b"kh2-disk"
CONTROL = "/dev/mapper/control"
SECTOR = 512
# struct dm_ioctl: version, size, where data begins, targets, …, flags, …, device, name, uuid
HEAD = struct.Struct("=3I I I I i I I I Q 128s 129s 7x")
TARGET = struct.Struct("=QQiI16s")
CREATE, REMOVE, SUSPEND, LOAD = (0xc0000000 | HEAD.size << 16 | 0xfd00 | number
                                 for number in (3, 4, 6, 9))
SUSPENDED, SKIP_LOCKFS = 1 << 1, 1 << 10


def command(number, flags=0, table=b"", targets=0):
    """One ioctl of the device mapper about our mapping; returns the number of its device."""
    size = HEAD.size + len(table)
    words = bytearray(HEAD.pack(4, 0, 0, size, HEAD.size, targets, 0, flags, 0, 0, 0, NAME, b"")
                      + table)
    with open(CONTROL, "r+b", buffering=0) as control:
        fcntl.ioctl(control, number, words)
    return HEAD.unpack(words[:HEAD.size])[10]


def sectors_of(device):
    with open(device, "rb") as file:
        return file.seek(0, os.SEEK_END) // SECTOR


def map_to(device, target):
    """From now on it is this that answers, what waited included."""
    words = f"{device} 0".encode() if target == b"linear" else b""
    words += bytes(8 - len(words) % 8)
    table = TARGET.pack(0, sectors_of(device), 0, TARGET.size + len(words), target) + words
    command(LOAD, table=table, targets=1)
    command(SUSPEND, SKIP_LOCKFS)


def set_mood(device, mood):
    if mood == "hang":
        command(SUSPEND, SUSPENDED | SKIP_LOCKFS)
    else:
        map_to(device, {"well": b"linear", "fail": b"error"}[mood])


def main():
    what, device = sys.argv[1:]
    if what == "make":
        number = command(CREATE)
        map_to(device, b"linear")
        print(f"/dev/dm-{os.minor(number)}")
    elif what == "remove":
        command(REMOVE)
    else:
        set_mood(device, what)


if __name__ == "__main__":
    main()
