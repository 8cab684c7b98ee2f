#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""TLS that goes wrong, and TLS that comes in unusual pieces, against a server that echoes.

usage: tlsfaults.py CASE HOST PORT

With relay.py before the server: flipped, truncated.  Without: the rest.
"""
import os
import socket
import ssl
import sys
import time

import h2.config
import h2.connection
import h2.events

LIMIT = 30 * float(os.environ.get("KH2_SLOW", "1") or "1")


class Client:
    """HTTP/2 over TLS whose records are ours to send as we like."""

    def __init__(self, host, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.sock = socket.create_connection((host, int(port)), timeout=LIMIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.bodies, self.ended, self.resets, self.goaway = {}, set(), {}, None

    def handshake(self):
        """Until it is done; the last flight is left in self.outgoing."""
        while True:
            try:
                self.tls.do_handshake()
                return self
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                assert data, "closed amid the handshake"
                self.incoming.write(data)

    def seal(self):
        """HTTP/2 that waits becomes TLS records that wait."""
        data = self.h2.data_to_send()
        if data:
            self.tls.write(data)

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def post(self, body, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "POST"), (":scheme", "https"),
                                      (":authority", "localhost"), (":path", "/")])
        for at in range(0, len(body), 16384):
            self.h2.send_data(stream, body[at:at + 16384])
        if end:
            self.h2.end_stream(stream)
        self.bodies[stream] = bytearray()
        self.seal()
        return stream

    def take(self, data):
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.resets[event.stream_id] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        self.seal()
        self.flush()

    def receive(self):
        """Takes what comes next.

        Returns how the connection has ended: "tls" by close_notify, "alert" by another, "tcp" by
        neither; None if it has not.
        """
        while True:
            try:
                data = self.tls.read(65536)
                if not data:
                    return "tls"
                self.take(data)
                return None
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return "tls"
            except ssl.SSLError as error:
                if "ALERT" not in str(error):
                    raise
                return "alert"
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                return "tcp"
            if not data:
                return "tcp"
            self.incoming.write(data)

    def echo(self, stream):
        while stream not in self.ended:
            assert not self.receive(), "the connection has ended"
            assert stream not in self.resets and self.goaway is None, (self.resets, self.goaway)
        return bytes(self.bodies[stream])

    def end(self):
        """Waits for the end of the connection; how it came."""
        while True:
            how = self.receive()
            if how:
                return how


def let_it_look():
    """Time for the server to read a part of a record by itself.

    No condition tells that it has: it cannot answer a part.  If it comes later it reads the whole
    at once, which is right too, and tested by several_records_early.
    """
    time.sleep(0.3)


def flight(host, port, octets, hold=0):
    """Finished, preface, SETTINGS and requests in one piece; the last octets a little later."""
    client = Client(host, port).handshake()
    bodies = {}
    while client.outgoing.pending < octets:
        room = client.h2.outbound_flow_control_window
        body = os.urandom(min(20000, room))
        bodies[client.post(body)] = body
        if room <= len(body):
            break
    data = client.outgoing.read()
    client.sock.sendall(data[:len(data) - hold])
    if hold:
        let_it_look()
        client.sock.sendall(data[len(data) - hold:])
    for stream, body in bodies.items():
        assert client.echo(stream) == body
    client.sock.close()


def one_record_early(host, port):
    flight(host, port, 100)


def several_records_early(host, port):
    flight(host, port, 60000)


def part_of_a_record_early(host, port):
    flight(host, port, 60000, hold=5000)


def head_of_a_record_early(host, port):
    """The flight ends within the head of a record."""
    client = Client(host, port).handshake()
    body = os.urandom(3000)
    client.seal()
    first = client.outgoing.read()
    stream = client.post(body)
    second = client.outgoing.read()
    client.sock.sendall(first + second[:3])
    let_it_look()
    client.sock.sendall(second[3:])
    assert client.echo(stream) == body
    client.sock.close()


def octet_by_octet(host, port):
    """All that the client ever sends, the handshake too, in segments of one octet."""
    client = Client(host, port)
    sendall = client.sock.sendall

    class Slowly:
        def __getattr__(self, name):
            return getattr(sock, name)

        def sendall(self, data):
            for octet in data:
                sendall(bytes((octet,)))

    sock, client.sock = client.sock, Slowly()
    client.handshake()
    body = os.urandom(2000)
    stream = client.post(body)
    client.flush()
    assert client.echo(stream) == body
    sock.close()


def begun(host, port, length=20000):
    """A connection with one echo done and an upload under way."""
    client = Client(host, port).handshake()
    client.flush()
    body = os.urandom(100)
    stream = client.post(body)
    client.flush()
    assert client.echo(stream) == body
    stream = client.post(os.urandom(length), end=False)
    client.flush()
    return client, stream


def ended_amid_upload(host, port):
    """The relay harms a long upload, which is never to be taken for whole; how it ended."""
    client = Client(host, port).handshake()
    client.flush()
    stream = client.post(os.urandom(60000), end=False)
    how = "tcp"
    try:
        client.flush()
        how = client.end()
    except ConnectionError:
        pass
    assert stream not in client.ended, "an upload without end was answered as if it had one"
    return how


def flipped(host, port):
    """RFC 8446 5.2: bad_record_mac, an alert, is what a record is answered by that was changed."""
    assert ended_amid_upload(host, port) == "alert"


def truncated(host, port):
    ended_amid_upload(host, port)


def drain(sock):
    """Until the server ends the connection, in order or not."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass


def alert(host, port):
    """A fatal alert, bad_record_mac: the server's next record is garbled on its way."""
    client, stream = begun(host, port)
    while not client.outgoing.pending:
        data = bytearray(client.sock.recv(65536))
        assert data
        data[-1] ^= 1
        client.incoming.write(data)
        try:
            while True:
                client.tls.read(65536)
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            pass
    client.flush()
    drain(client.sock)
    assert stream not in client.ended


def close_notify(client):
    try:
        client.tls.unwrap()
    except ssl.SSLError:
        pass
    client.flush()


def close_notify_when_idle(host, port):
    """Both say that they end, before they do."""
    client = Client(host, port).handshake()
    client.flush()
    body = os.urandom(100)
    stream = client.post(body)
    client.flush()
    assert client.echo(stream) == body
    close_notify(client)
    how = None
    while not how:
        data = client.sock.recv(65536)
        if not data:
            how = "tcp"
        client.incoming.write(data)
        try:
            client.tls.unwrap()
            how = "tls"
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:   # data of the server before its close_notify
            if "APPLICATION_DATA_AFTER_CLOSE_NOTIFY" not in str(error):
                raise
    assert how == "tls", "the server ends without close_notify"


def close_notify_amid_upload(host, port):
    client, stream = begun(host, port)
    close_notify(client)
    client.sock.shutdown(socket.SHUT_WR)
    drain(client.sock)
    assert stream not in client.ended


CASES = {function.__name__.replace("_", "-"): function
         for function in (one_record_early, several_records_early, part_of_a_record_early,
                          head_of_a_record_early, octet_by_octet, flipped, truncated, alert,
                          close_notify_when_idle, close_notify_amid_upload)}


def main():
    case, host, port = sys.argv[1:]
    CASES[case](host, port)


main()
