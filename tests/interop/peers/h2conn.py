# SPDX-License-Identifier: GPL-2.0
"""A slow, exact HTTP/2 connection over python3-h2: windows open only when the test says so."""

import os
import socket
import ssl

import h2.config
import h2.connection
import h2.events

# Seconds after which what is waited for does not come any more
SLOW = float(os.environ.get("KH2_SLOW", "1") or "1")
LIMIT = 60 * SLOW


class Connection:
    """One connection; bodies and statuses by stream."""

    def __init__(self, host, port, ca=None):
        plain = socket.create_connection((host, int(port)), timeout=LIMIT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = plain
        if ca:
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(plain, server_hostname=host)
            assert self.sock.selected_alpn_protocol() == "h2"
        self.scheme = "https" if ca else "http"
        self.authority = f"{host}:{port}"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.acknowledge = True
        self.bodies, self.answers, self.ended, self.resets = {}, {}, set(), {}
        self.owed = {}
        self.goaway = None
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def request(self, path, method="GET", end=True, fields=()):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", method), (":scheme", self.scheme),
                                      (":authority", self.authority), (":path", path),
                                      *fields], end_stream=end)
        self.bodies[stream] = bytearray()
        self.flush()
        return stream

    def handle(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.answers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            if self.acknowledge:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            else:
                owed = self.owed.get(event.stream_id, 0)
                self.owed[event.stream_id] = owed + event.flow_controlled_length
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code

    def receive(self, timeout=LIMIT):
        """Takes what arrives next; False if nothing did in time, or the end."""
        self.sock.settimeout(timeout)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
            return False
        if not data:
            raise ConnectionError("closed by the peer")
        for event in self.h2.receive_data(data):
            self.handle(event)
        self.flush()
        return True

    def open_windows(self):
        """Gives back what was held, and acknowledges from now on."""
        self.acknowledge = True
        for stream, octets in self.owed.items():
            self.h2.acknowledge_received_data(octets, stream)
        self.owed.clear()
        self.flush()

    def wait(self, stream):
        while stream not in self.ended:
            if stream in self.resets:
                raise ConnectionError(f"stream {stream} reset: {self.resets[stream]}")
            if not self.receive():
                raise TimeoutError(f"stream {stream} does not go on")
        return bytes(self.bodies[stream])

    def room(self, stream):
        return min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)

    def send(self, stream, data, timeout=LIMIT):
        """Sends what the windows let through, until nothing opens them for that long; how much."""
        at = 0
        while at < len(data):
            room = min(self.room(stream), len(data) - at)
            if room:
                self.h2.send_data(stream, data[at:at + room])
                at += room
                self.flush()
            elif not self.receive(timeout):
                break
        return at

    def send_all(self, stream, data):
        """Sends a body to its end."""
        at = self.send(stream, data)
        if at < len(data):
            raise TimeoutError(f"the window of stream {stream} stays shut at {at}")
        self.h2.end_stream(stream)
        self.flush()

    def close(self):
        self.h2.close_connection()
        self.flush()
        self.sock.close()
