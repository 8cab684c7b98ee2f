# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The cases of hostile.py: functions named case_*, and the vectors that a socket can carry."""

import os
import pathlib
import re
import socket
import ssl
import struct
import sys

from h2raw import (ACK, CODES, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM,
                   ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS,
                   LIMIT, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR,
                   REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, frame,
                   literal)

sys.dont_write_bytecode = True


def u32(value):
    return struct.pack(">I", value)


# -- before HTTP/2 --

def case_garbage_is_cut_off(peer):
    peer.send(os.urandom(64).replace(b"P", b"Q"))
    peer.want_end()


def case_preface_with_wrong_end_is_cut_off(peer):
    peer.send(PREFACE[:-1] + b"x" + frame(SETTINGS))
    peer.want_end()


def case_half_a_preface_then_close(peer):
    peer.send(PREFACE[:10])
    if not peer.options.tls:
        peer.sock.shutdown(socket.SHUT_WR)
        peer.want_end()


def case_server_preface_comes_first(peer):
    peer.send(PREFACE + frame(SETTINGS) + frame(PING, 0, 0, bytes(8)))
    got = peer.read()
    assert got and got.kind == SETTINGS and not got.flags & ACK and not got.stream, f"{got}"
    peer.want_alive()


def handshake_fails(peer, *protocols):
    """On a connection of its own; in the clear there is none."""
    if not peer.options.tls:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    with socket.create_connection((peer.options.host, peer.options.port), timeout=LIMIT) as sock:
        try:
            context.wrap_socket(sock, server_hostname=peer.options.host).close()
        except ssl.SSLError as error:
            words = str(error).lower().replace("_", " ")
            assert "alert no application protocol" in words, f"{error}"
        else:
            raise AssertionError(f"a handshake with {protocols}")


def case_alpn_h2c_is_not_selected(peer):
    handshake_fails(peer, "h2c")


def case_tls_without_alpn_is_refused(peer):
    handshake_fails(peer)


def case_first_frame_not_settings_fails(peer):
    peer.send(PREFACE + frame(PING, 0, 0, bytes(8)))
    peer.want_goaway(PROTOCOL_ERROR)


def case_octet_by_octet_is_served(peer):
    octets = PREFACE + frame(SETTINGS) + frame(HEADERS, END_STREAM | END_HEADERS, 1,
                                               peer.request(peer.options.path))
    for i in range(len(octets)):
        peer.send(octets[i:i + 1])
    peer.want_response(1)


def case_all_in_one_segment_is_served(peer):
    peer.send(PREFACE + frame(SETTINGS) + b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, i, peer.request(peer.options.path))
        for i in (1, 3, 5)))
    peer.want_responses((1, 3, 5))


# -- frames that only a socket shows --

def case_unfinished_frame_then_close(peer):
    peer.handshake()
    peer.send(frame(DATA, 0, 1, bytes(1000))[:500])


def case_unfinished_block_then_close(peer):
    peer.handshake()
    peer.frame(HEADERS, END_STREAM, 1, peer.request()[:5])


def case_unfinished_block_holds_up_nobody(peer):
    peer.handshake()
    peer.frame(HEADERS, END_STREAM, 1, peer.request())
    peer.frame(PING, 0, 0, bytes(8))
    peer.want_goaway(PROTOCOL_ERROR)


def case_oversized_frame_fails(peer):
    peer.handshake()
    peer.get(1, flags=0)
    peer.frame(DATA, END_STREAM, 1, bytes(16385))
    peer.want_goaway(FRAME_SIZE_ERROR)


def case_huge_length_fails_at_once(peer):
    peer.handshake()
    peer.send(b"\xff\xff\xff" + frame(DATA, 0, 1)[3:])
    peer.want_goaway(FRAME_SIZE_ERROR)


def case_reset_in_the_midst_of_an_answer(peer):
    peer.handshake()
    for stream in range(1, 100, 2):
        peer.get(stream, peer.options.path)
        peer.frame(RST_STREAM, 0, stream, u32(8))
    peer.want_alive()


def case_window_overflow_while_answers_wait(peer):
    """What waited for each window goes with its stream (CVE-2026-21714)"""
    peer.handshake(struct.pack(">HI", 4, 0))
    waiting = set(range(1, 200, 2))
    for stream in waiting:
        peer.get(stream, peer.options.path)
    while waiting:
        got = peer.read()
        assert got and got.kind not in (GOAWAY, RST_STREAM), f"{got}"
        if got.kind == HEADERS:
            assert not got.flags & END_STREAM, f"{got}: there is nothing to wait"
            waiting.discard(got.stream)
    for stream in range(1, 200, 2):
        # in one segment: between the two nothing can be sent
        peer.send(frame(WINDOW_UPDATE, 0, stream, u32(0x7fffffff)) * 2)
        peer.want_rst(stream, FLOW_CONTROL_ERROR)
    peer.want_alive()


def case_window_of_one_octet_is_served(peer):
    peer.handshake(struct.pack(">HI", 4, 1))
    peer.get(1, peer.options.path)
    octets, ended = 0, False
    while not ended and octets < 200:
        got = peer.read()
        assert got, f"no answer; saw {peer.seen}"
        assert got.kind not in (GOAWAY, RST_STREAM), f"{got}"
        if got.kind == DATA:
            assert len(got.payload) <= 1, f"{got} is beyond the window"
            octets += len(got.payload)
            peer.frame(WINDOW_UPDATE, 0, 1, u32(1))
        ended = got.kind in (HEADERS, DATA) and got.flags & END_STREAM


def case_window_that_goes_negative_comes_back(peer):
    peer.handshake(struct.pack(">HI", 4, 1))
    peer.get(1, peer.options.path)
    peer.frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
    peer.frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535))
    peer.want_response(1)


# -- HPACK --

def bad_block(peer, block, *codes):
    peer.handshake()
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, block)
    peer.want_goaway(*codes)


def case_index_zero_fails(peer):
    bad_block(peer, b"\x80", COMPRESSION_ERROR)


def case_index_beyond_the_table_fails(peer):
    bad_block(peer, b"\xff\x80\x01", COMPRESSION_ERROR)


def case_string_cut_short_fails(peer):
    bad_block(peer, b"\x00\x05ab", COMPRESSION_ERROR)


def case_integer_without_end_fails(peer):
    bad_block(peer, b"\xff" * 30, COMPRESSION_ERROR)


def case_huffman_padding_of_eight_bits_fails(peer):
    bad_block(peer, b"\x82\x87\x00\x82\x1f\xff\x01a", COMPRESSION_ERROR)


def case_table_size_beyond_the_setting_fails(peer):
    bad_block(peer, b"\x3f\xe1\xff\x03\x82", COMPRESSION_ERROR)


def case_bad_block_on_a_refused_stream_fails(peer):
    """The block of a stream that nobody wants is decoded all the same."""
    peer.handshake(struct.pack(">HI", 4, 0))    # answers wait, and their streams stay
    last = 399
    for stream in range(1, last, 2):
        peer.get(stream, peer.options.path)
    peer.want_rst(last - 2, REFUSED_STREAM)
    peer.frame(HEADERS, END_STREAM | END_HEADERS, last, b"\x80")
    peer.want_goaway(COMPRESSION_ERROR)


def case_table_is_kept_over_a_reset_stream(peer):
    """An entry added by a request that was reset serves the next one."""
    peer.handshake()
    name, value = b"x-kept", b"1"
    entry = b"\x40" + bytes([len(name)]) + name + bytes([len(value)]) + value
    peer.frame(HEADERS, END_HEADERS, 1, peer.request(peer.options.path) + entry)
    peer.frame(RST_STREAM, 0, 1, u32(8))
    peer.frame(HEADERS, END_HEADERS | END_STREAM, 3, peer.request(peer.options.path) + b"\xbe")
    peer.want_response(3)


def bad_fields(peer, block):
    """Malformed: a stream error PROTOCOL_ERROR, or an answer 4xx (RFC 9113 8.1.1)"""
    peer.handshake()
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, block)
    while True:
        got = peer.read()
        assert got, f"no answer; saw {peer.seen}"
        if got.kind == RST_STREAM:
            assert got.code == PROTOCOL_ERROR, f"{got}"
            break
        if got.kind == HEADERS:
            status = got.payload.lstrip(b"\x20")[:1]
            assert status != b"\x88", "200 for a malformed request"
            break
        assert got.kind in (SETTINGS, WINDOW_UPDATE), f"{got}"
    peer.want_alive()


def case_upper_case_field_is_malformed(peer):
    bad_fields(peer, peer.request() + literal("X-Big", "1"))


def case_connection_field_is_malformed(peer):
    bad_fields(peer, peer.request() + literal("connection", "close"))


def case_missing_path_is_malformed(peer):
    bad_fields(peer, literal(":method", "GET") + literal(":scheme", peer.scheme))


def case_pseudo_field_after_fields_is_malformed(peer):
    bad_fields(peer, literal(":method", "GET") + literal("a", "b") +
               literal(":scheme", peer.scheme) + literal(":path", "/"))


def case_unknown_pseudo_field_is_malformed(peer):
    bad_fields(peer, peer.request() + literal(":what", "1"))


def case_nul_in_a_value_is_malformed(peer):
    bad_fields(peer, peer.request() + literal("a", "b\0c"))


def case_host_that_differs_is_malformed(peer):
    bad_fields(peer, peer.request(more=[("host", "else.where")]))


def case_connect_with_a_path_is_malformed(peer):
    bad_fields(peer, peer.request(method="CONNECT"))


def case_content_length_without_a_body_is_malformed(peer):
    bad_fields(peer, peer.request(more=[("content-length", "5")]))


def case_hpack_bomb_is_stopped(peer):
    """One entry of 4,000 octets, named 16,000 times: 64 MB when decoded"""
    peer.handshake()
    big = b"\x40\x01a\x7f" + b"\xa1\x1e" + b"b" * 4000
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, peer.request() + big + b"\xbe" * 12000)
    while True:
        got = peer.read()
        assert got or peer.ended, f"no answer; saw {peer.seen}"
        if not got:
            return
        if got.kind in (RST_STREAM, GOAWAY):
            return
        if got.kind == HEADERS:
            assert got.payload.lstrip(b"\x20")[:1] != b"\x88", "200 for a bomb"
            return


# -- floods --

def flood(peer, make, most, codes=(ENHANCE_YOUR_CALM,), batch=100):
    """Sends make(i) until the server has enough; it must, before so many."""
    peer.handshake()
    for start in range(0, most, batch):
        peer.send(b"".join(make(i) for i in range(start, start + batch)))
        if peer.broken:
            break
        # what was answered is read on the way, or TCP would stop us both
        peer.sock.settimeout(0.001)
        try:
            data = peer.sock.recv(1 << 20)
            peer.ended |= not data
            peer.buffer += data
        except (TimeoutError, socket.timeout, OSError):
            pass
        if peer.ended:
            break
    peer.want_goaway(*codes)


def case_ping_flood_is_stopped(peer):
    flood(peer, lambda i: frame(PING, 0, 0, struct.pack(">Q", i)), 60000)


def case_settings_flood_is_stopped(peer):
    flood(peer, lambda i: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, i)), 20000)


def case_rapid_reset_is_stopped(peer):
    block = peer.request(peer.options.path)
    flood(peer, lambda i: frame(HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, block) +
          frame(RST_STREAM, 0, 2 * i + 1, u32(8)), 60000)


def case_made_resets_are_stopped(peer):
    block = peer.request(peer.options.path)
    flood(peer, lambda i: frame(HEADERS, END_HEADERS, 2 * i + 1, block) +
          frame(WINDOW_UPDATE, 0, 2 * i + 1, u32(0)), 60000)


def case_refused_streams_are_stopped(peer):
    block = peer.request(peer.options.path, "POST")
    flood(peer, lambda i: frame(HEADERS, END_HEADERS, 2 * i + 1, block), 60000,
          (ENHANCE_YOUR_CALM, REFUSED_STREAM))


def case_priority_flood_is_stopped(peer):
    flood(peer, lambda i: frame(PRIORITY, 0, 2 * i + 1, b"\0\0\0\0\x0f"), 100000)


def case_unknown_frame_flood_is_stopped(peer):
    flood(peer, lambda i: frame(0xfa, 0, 0, b"x"), 100000)


def case_goaway_flood_is_stopped(peer):
    """A server may also leave when its client does."""
    try:
        flood(peer, lambda i: frame(GOAWAY, 0, 0, bytes(8)), 60000)
    except AssertionError:
        assert peer.ended and any(got.kind == GOAWAY for got in peer.seen), f"saw {peer.seen}"


def case_window_update_flood_is_stopped(peer):
    flood(peer, lambda i: frame(WINDOW_UPDATE, 0, 0, u32(1)), 400000, batch=1000)


def case_empty_data_flood_is_stopped(peer):
    block = peer.request(peer.options.path, "POST")
    flood(peer, lambda i: (frame(HEADERS, END_HEADERS, 1, block) if not i else b"") +
          frame(DATA, 0, 1), 20000, (ENHANCE_YOUR_CALM, STREAM_CLOSED))


def case_continuation_flood_is_stopped(peer):
    flood(peer, lambda i: frame(CONTINUATION, 0, 1, b"\x82") if i else
          frame(HEADERS, END_STREAM, 1, b"\x82"), 10000, batch=10)


def case_empty_continuation_flood_is_stopped(peer):
    flood(peer, lambda i: frame(CONTINUATION, 0, 1) if i else
          frame(HEADERS, END_STREAM, 1, b"\x82"), 10000, batch=10)


def case_large_continuations_are_stopped(peer):
    flood(peer, lambda i: frame(CONTINUATION, 0, 1, b"\x82" * 16384) if i else
          frame(HEADERS, END_STREAM, 1, b"\x82" * 16384), 100, batch=2)


def case_padding_of_data_gives_its_window_back(peer):
    """More than a window of padding goes through"""
    peer.handshake()
    peer.frame(HEADERS, END_HEADERS, 1, peer.request(peer.options.path, "POST"))
    window, sent = 65535, 0
    while sent < 300000:
        while window < 257:
            got = peer.read()
            assert got, f"no window; saw {peer.seen}"
            if got.kind == RST_STREAM or (got.kind in (HEADERS, DATA) and
                                          got.flags & END_STREAM):
                return          # the server did not want the body
            assert got.kind != GOAWAY, f"{got}"
            if got.kind == WINDOW_UPDATE and not got.stream:
                window += struct.unpack(">I", got.payload)[0]
        peer.frame(DATA, PADDED, 1, b"\xff" + b"x" + bytes(255))
        window -= 257
        sent += 257
    peer.want_alive()


def case_connection_window_overflow_fails(peer):
    peer.handshake()
    peer.frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff))
    peer.want_goaway(FLOW_CONTROL_ERROR)


def case_answers_nobody_reads_cost_only_their_connection(peer):
    """Requests without end, no octet read: the healthy connection afterwards is the test"""
    peer.handshake()
    peer.sock.settimeout(min(LIMIT, 3))
    try:
        for stream in range(1, 2000, 2):
            peer.sock.sendall(frame(HEADERS, END_STREAM | END_HEADERS, stream,
                                    peer.request(peer.options.path)))
    except OSError:
        pass


def case_settings_ack_flood_is_stopped(peer):
    peer.handshake()
    peer.frame(SETTINGS, ACK)
    peer.want_goaway(PROTOCOL_ERROR)


# -- vectors --

def octets(text):
    out = bytearray()
    for word in text.split():
        match = re.fullmatch(r"([0-9a-fA-F]*)([0-9a-fA-F]{2})\*(\d+)", word)
        if word.startswith('"'):
            out += word[1:-1].encode()
        elif match:
            out += bytes.fromhex(match[1]) + bytes.fromhex(match[2]) * int(match[3])
        else:
            out += bytes.fromhex(word)
    return bytes(out)


class Vector:
    """What a socket can carry of a vector: the peer's octets, and the error that follows"""

    def __init__(self, name):
        self.name, self.raw, self.data, self.usable = name, False, bytearray(), True
        self.error, self.reset, self.answered, self.left = None, None, False, False

    def line(self, word, rest):
        if word == "in":
            self.data += octets(rest)
        elif word == "raw":
            self.raw = True
        elif word == "error":
            self.error = CODES.index(rest.split()[0])
        elif word == "reset":
            self.reset = int(rest.split()[0]), CODES.index(rest.split()[1])
        elif word in ("submit", "wait", "setting", "limit", "conn_window") or \
                (word == "role" and rest != "server"):
            self.usable = False
        elif word == "ev" and rest.startswith("headers"):
            self.answered = True
        elif word == "ev" and rest.startswith("goaway"):
            self.left = True    # a server may leave when its client does

    def play(self, peer):
        if not self.raw:
            peer.handshake()
        peer.send(bytes(self.data))
        if self.reset:
            # the answer may have ended the stream before: then it is the connection's error
            peer.want_rst(self.reset[0], self.reset[1], STREAM_CLOSED)
        elif self.error is not None and self.raw and self.data[:3] != b"PRI":
            peer.want_end()     # what is no HTTP/2 may be told so in other ways
        elif self.error is not None:
            peer.want_goaway(self.error, *([STREAM_CLOSED] if self.answered else []),
                             *([NO_ERROR] if self.left else []))
        elif self.left:
            peer.want_alive_or_end()
        elif len(self.data) > 65536:
            peer.want_alive_or_end()    # the engine takes the block, libkh2 not so many fields
        else:
            peer.want_alive()


def vectors(directory):
    for path in sorted(pathlib.Path(directory).glob("*.vec")):
        vector = None
        for line in path.read_text().splitlines():
            word, _, rest = line.split("#")[0].strip().partition(" ")
            if word == "vector":
                if vector and vector.usable:
                    yield vector
                vector = Vector(rest)
            elif word and vector:
                vector.line(word, rest.strip())
        if vector and vector.usable:
            yield vector


def all_cases(directory):
    for name, case in globals().items():
        if name.startswith("case_"):
            yield name[5:], case
    for vector in vectors(directory):
        yield "vector_" + vector.name, vector.play
