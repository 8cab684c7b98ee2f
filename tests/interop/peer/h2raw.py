# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A peer that speaks raw HTTP/2 frames over TCP or TLS, and believes nothing."""

import os
import socket
import ssl
import struct
import time

SLOW = float(os.environ.get("KH2_SLOW", "1") or "1")
LIMIT = 10 * SLOW

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIO = 0x1, 0x1, 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED = range(14)
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
         "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
         "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY",
         "HTTP_1_1_REQUIRED"]


def code_name(code):
    return CODES[code] if code < len(CODES) else hex(code)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def literal(name, value):
    """A field that touches no table (RFC 7541 6.2.2), lengths below 127 or as integers."""
    def string(text):
        raw, length = text.encode(), len(text)
        if length < 127:
            return bytes([length]) + raw
        out, length = b"\x7f", length - 127
        while length >= 128:
            out += bytes([length & 127 | 128])
            length >>= 7
        return out + bytes([length]) + raw
    return b"\x00" + string(name) + string(value)


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def code(self):
        """Of RST_STREAM or GOAWAY"""
        at = 4 if self.kind == GOAWAY else 0
        return struct.unpack_from(">I", self.payload, at)[0]

    def __repr__(self):
        extra = f" {code_name(self.code)}" if self.kind in (RST_STREAM, GOAWAY) else ""
        return f"<type {self.kind} flags {self.flags:#x} stream {self.stream} " \
               f"len {len(self.payload)}{extra}>"


class Peer:
    def __init__(self, options):
        self.options = options
        self.scheme = "https" if options.tls else "http"
        self.authority = f"{options.host}:{options.port}"
        self.buffer = b""
        self.ended = False      # the server closed
        self.broken = False     # we cannot send any more
        self.seen = []
        self.sock = socket.create_connection((options.host, options.port), timeout=LIMIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if options.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname=options.host)
            assert self.sock.selected_alpn_protocol() == "h2", "ALPN did not give h2"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # -- octets --

    def send(self, data):
        """Sends; a server that closed meanwhile is no error here, it shows in what is read."""
        if self.broken:
            return
        try:
            self.sock.settimeout(LIMIT)
            self.sock.sendall(data)
        except OSError:         # reset, or shut while it does not read any more
            self.broken = True

    def frame(self, kind, flags=0, stream=0, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def fill(self, deadline):
        """Reads once. False at the end, or when the time is up."""
        left = deadline - time.monotonic()
        if self.ended or left <= 0:
            return False
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def read(self, deadline=None):
        """The next frame, or None at the end of the connection or the time."""
        deadline = deadline or time.monotonic() + LIMIT
        while len(self.buffer) < 9 or len(self.buffer) < 9 + self.length():
            if not self.fill(deadline):
                return None
        length = self.length()
        head, payload = self.buffer[:9], self.buffer[9:9 + length]
        self.buffer = self.buffer[9 + length:]
        got = Frame(head[3], head[4], struct.unpack(">I", head[5:])[0] & 0x7fffffff, payload)
        self.seen = (self.seen + [got])[-20:]
        return got

    def length(self):
        return int.from_bytes(self.buffer[:3], "big")

    # -- HTTP/2 --

    def handshake(self, settings=b""):
        """Both sides' SETTINGS said and acknowledged."""
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        theirs = acked = False
        deadline = time.monotonic() + LIMIT
        while not (theirs and acked):
            got = self.read(deadline)
            assert got, f"no SETTINGS and ACK; saw {self.seen}"
            if got.kind == SETTINGS and got.flags & ACK:
                acked = True
            elif got.kind == SETTINGS:
                theirs = True
                self.frame(SETTINGS, ACK)
            else:
                assert got.kind == WINDOW_UPDATE, f"{got} in the handshake"

    def request(self, path="/", method="GET", more=()):
        """A header block that touches no table"""
        fields = [(":method", method), (":scheme", self.scheme), (":path", path),
                  (":authority", self.authority), *more]
        return b"".join(literal(name, value) for name, value in fields)

    def get(self, stream, path="/", flags=END_STREAM):
        self.frame(HEADERS, flags | END_HEADERS, stream, self.request(path))

    def want_response(self, stream):
        """HEADERS and an end of stream; the octets of the body"""
        deadline = time.monotonic() + LIMIT
        headers, body = False, b""
        while True:
            got = self.read(deadline)
            assert got, f"no response on stream {stream}; saw {self.seen}"
            if got.kind == PING and not got.flags & ACK:
                self.frame(PING, ACK, 0, got.payload)
            assert got.kind != GOAWAY or got.code == NO_ERROR, f"{got}"
            if got.stream != stream:
                continue
            assert got.kind != RST_STREAM, f"{got}"
            headers |= got.kind == HEADERS
            if got.kind == DATA:
                body += got.payload
                if got.payload:
                    credit = struct.pack(">I", len(got.payload))
                    self.send(frame(WINDOW_UPDATE, 0, 0, credit) +
                              frame(WINDOW_UPDATE, 0, stream, credit))
            if got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
                assert headers, "DATA before HEADERS"
                return body

    def want_responses(self, streams):
        """The end of each, in any order"""
        left = set(streams)
        while left:
            got = self.read()
            assert got, f"{len(left)} not answered; saw {self.seen}"
            assert got.kind not in (GOAWAY, RST_STREAM), f"{got}"
            if got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
                left.discard(got.stream)

    def want_goaway(self, *codes):
        """GOAWAY with one of the codes, then the end. A server that answers a flood by a
        reset of TCP may lose the GOAWAY on its way: the end alone is taken for it if we had
        sent more than it read."""
        deadline = time.monotonic() + LIMIT
        got = self.read(deadline)
        while got and not (got.kind == GOAWAY and (got.code != NO_ERROR or NO_ERROR in codes)):
            got = self.read(deadline)
        if not got:
            assert self.ended, f"no GOAWAY, and the connection is open; saw {self.seen}"
            assert self.broken, f"closed without GOAWAY; saw {self.seen}"
            return
        assert got.code in codes, f"{got}, not {[code_name(c) for c in codes]}"
        self.want_end(deadline)

    def want_end(self, deadline=None):
        deadline = deadline or time.monotonic() + LIMIT
        while self.read(deadline):
            pass
        assert self.ended, f"the connection is still open; saw {self.seen}"

    def want_rst(self, stream, *codes):
        """RST_STREAM with one of the codes; RFC 9113 5.4.2 allows a connection error as well"""
        deadline = time.monotonic() + LIMIT
        while True:
            got = self.read(deadline)
            assert got, f"no RST_STREAM for {stream}; saw {self.seen}"
            if got.kind == GOAWAY and got.code != NO_ERROR:
                assert got.code in codes, f"{got}, not {[code_name(c) for c in codes]}"
                return
            if got.kind == RST_STREAM and got.stream == stream:
                assert got.code in codes, f"{got}, not {[code_name(c) for c in codes]}"
                return

    def want_alive_or_end(self):
        """PING is answered, or the connection ends by GOAWAY"""
        try:
            self.want_alive()
        except AssertionError:
            assert any(got.kind == GOAWAY for got in self.seen), f"no GOAWAY; saw {self.seen}"
            self.want_end()

    def want_alive(self):
        """PING is answered, whatever comes before"""
        token = os.urandom(8)
        self.frame(PING, 0, 0, token)
        deadline = time.monotonic() + LIMIT
        while True:
            got = self.read(deadline)
            assert got, f"PING is not answered; saw {self.seen}"
            assert got.kind != GOAWAY or got.code == NO_ERROR, f"{got}"
            if got.kind == PING and got.flags & ACK and got.payload == token:
                return
