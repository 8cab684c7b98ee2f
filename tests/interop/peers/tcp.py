#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""TCP or TLS without HTTP, to compare uploads with.

usage: tcp.py sink HOST PORT [CERT KEY]   says the port; counts what each connection sends
       tcp.py send HOST PORT FILE [CA]    sends and says the milliseconds until the count came back
"""

import socket
import ssl
import sys
import threading
import time


def drain(connection, context):
    if context:
        connection = context.wrap_socket(connection, server_side=True)
    octets, wanted = 0, int.from_bytes(connection.recv(8), "big")
    while octets < wanted and (data := connection.recv(1 << 18)):
        octets += len(data)
    connection.sendall(b"%d\n" % octets)
    connection.close()


def sink(host, port, *cert_key):
    context = None
    if cert_key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*cert_key)
    listener = socket.create_server((host, int(port)))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=drain, args=(connection, context), daemon=True).start()


def send(host, port, path, ca=None):
    connection = socket.create_connection((host, int(port)), timeout=60)
    if ca:
        context = ssl.create_default_context(cafile=ca)
        connection = context.wrap_socket(connection, server_hostname="localhost")
    with open(path, "rb") as file:
        body = file.read()
    begin = time.monotonic()
    connection.sendall(len(body).to_bytes(8, "big"))
    connection.sendall(body)
    answer = connection.recv(64)
    took = time.monotonic() - begin
    assert int(answer) == len(body), answer
    print(int(took * 1000))


{"sink": sink, "send": send}[sys.argv[1]](*sys.argv[2:])
