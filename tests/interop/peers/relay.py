#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Stands between a client and a server and harms what passes.

relay.py HOST PORT MODE [NUMBER]

Listens on a free port of 127.0.0.1, prints it, and passes each connection on:

  bytes     one octet a segment towards the server, small segments and a small window from it
  flip N    a bit of the Nth TLS record with application data from the client is turned
  cut N     both ends are closed in order after that record: FIN, and no close_notify
  reset N   the server's end is reset after that record
"""
import socket
import struct
import sys
import threading
import time

APPLICATION_DATA = 23
MIN_MSS = 88
SMALL = 2304


def one_at_a_time(near, far, _):
    while True:
        data = near.recv(4096)
        if not data:
            break
        for octet in data:
            far.send(bytes((octet,)))
    far.shutdown(socket.SHUT_WR)


def whole(near, far):
    while True:
        data = near.recv(65536)
        if not data:
            break
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)


def exactly(sock, length):
    data = b""
    while len(data) < length:
        part = sock.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def records(near):
    """TLS records as they are on the wire, with the number of those that hold data so far."""
    count = 0
    while True:
        head = exactly(near, 5)
        count += head[0] == APPLICATION_DATA
        yield bytearray(head + exactly(near, struct.unpack(">H", head[3:])[0])), \
            count if head[0] == APPLICATION_DATA else 0


def flip(near, far, number):
    for record, count in records(near):
        if count == number:
            record[len(record) // 2] ^= 0x10
        far.sendall(record)


def cut(near, far, number):
    for record, count in records(near):
        far.sendall(record)
        if count == number:
            # What the server still has to say is read, so that it sees no reset.
            far.shutdown(socket.SHUT_WR)
            near.shutdown(socket.SHUT_RD)
            return


def reset(near, far, number):
    for record, count in records(near):
        far.sendall(record)
        if count == number:
            time.sleep(0.05)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            near.close()
            return


MODES = {"bytes": one_at_a_time, "flip": flip, "cut": cut, "reset": reset}


def guarded(function, *arguments):
    try:
        function(*arguments)
    except (OSError, EOFError, ValueError):     # either end has gone
        for sock in arguments[:2]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def connect(host, port, mode):
    far = socket.socket()
    if mode == "bytes":
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MIN_MSS)
    far.connect((host, port))
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return far


def main():
    host, port, mode, number = (*sys.argv[1:5], "0")[:4]
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        near, _ = listener.accept()
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far = connect(host, int(port), mode)
        for work in ((MODES[mode], near, far, int(number)), (whole, far, near)):
            threading.Thread(target=guarded, args=work, daemon=True).start()


main()
