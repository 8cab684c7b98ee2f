#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A disk that fails or hangs when told to: a network block device served by this process.

disk.py DEVICE IMAGE MOOD

Serves the file IMAGE as DEVICE.  Before each read the file MOOD is looked at: "fail" has the read
fail with EIO, "hang" holds it until something else stands there.  Prints "ready"; SIGTERM ends it.
"""
import fcntl
import os
import signal
import socket
import struct
import sys
import threading
import time

SET_SOCK, SET_BLKSIZE, DO_IT, CLEAR_SOCK, SET_SIZE_BLOCKS, DISCONNECT = (
    0xab00, 0xab01, 0xab03, 0xab04, 0xab07, 0xab08)
REQUEST = struct.Struct(">II8sQI")
REPLY = struct.Struct(">II8s")
REQUEST_MAGIC, REPLY_MAGIC = 0x25609513, 0x67446698
READ, WRITE, DISC = 0, 1, 2
BLOCK = 4096
EIO = 5


def mood_of(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def receive(sock, length):
    parts = bytearray()
    while len(parts) < length:
        part = sock.recv(length - len(parts))
        if not part:
            sys.exit(0)
        parts += part
    return bytes(parts)


def answer(sock, image, mood):
    magic, kind, handle, offset, length = REQUEST.unpack(receive(sock, REQUEST.size))
    assert magic == REQUEST_MAGIC
    error, data = 0, b""
    if kind & 0xffff == DISC:
        sys.exit(0)
    if kind & 0xffff == WRITE:
        os.pwrite(image, receive(sock, length), offset)
    elif kind & 0xffff == READ:
        while mood_of(mood) == "hang":
            time.sleep(0.02)
        if mood_of(mood) == "fail":
            error = EIO
        else:
            data = os.pread(image, length, offset)
    sock.sendall(REPLY.pack(REPLY_MAGIC, error, handle) + data)


def main():
    device, path, mood = sys.argv[1:]
    image = os.open(path, os.O_RDWR)
    near, far = socket.socketpair()
    nbd = os.open(device, os.O_RDWR)
    fcntl.ioctl(nbd, SET_BLKSIZE, BLOCK)
    fcntl.ioctl(nbd, SET_SIZE_BLOCKS, os.fstat(image).st_size // BLOCK)
    fcntl.ioctl(nbd, SET_SOCK, near.fileno())
    threading.Thread(target=lambda: fcntl.ioctl(nbd, DO_IT), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: fcntl.ioctl(nbd, DISCONNECT))
    print("ready", flush=True)
    while True:
        answer(far, image, mood)


main()
