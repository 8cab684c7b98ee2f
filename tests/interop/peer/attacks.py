# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The attacks that a server must survive, each with the healthy client at the edge of its limit.

ATTACKS is one table: what is sent, how it ends, which counter tells why.  Two kinds: a flood sends
as fast as it can until the connection is gone; a siege opens connections and stays on them, until
time ends it.
"""

import dataclasses
import struct
import time
from typing import Callable, Optional

from h2raw import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                   GOAWAY, HEADERS, NO_ERROR, PADDED, PING, PREFACE, PRIO, PRIORITY,
                   PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS, SETTINGS_TIMEOUT,
                   WINDOW_UPDATE, code_name, frame, literal)

PRIORITY_UPDATE = 0x10
INITIAL_WINDOW_SIZE = 4
PIECE = 2048        # octets that a flood hands to its socket at once
SIEGE_STREAMS = 128
CROWD = 0.4         # seconds between connections that begin with a handshake or 128 good requests


@dataclasses.dataclass
class Attack:
    """A row of the table.

    limit: the limits that it meets.  flood(peer): octets, in frames, or siege(peer): sends
    something, and may return a function that is called each second.  first(peer): settings of the
    handshake, None for no handshake.  codes: how the connection may end; reset: how its
    streams do; answer: the status that they get.  counter: what rises.  edge(peer): the healthy
    client.  needs: options of kh2d.  connections, streams: of a siege.  pause: seconds between
    those of a flood.  reads: takes what it is sent.  app: serves, instead of files.  sample: stands
    for its kind where there is no time for all.
    """
    name: str
    limit: str
    counter: str
    flood: Optional[Callable] = None
    siege: Optional[Callable] = None
    edge: Optional[Callable] = None
    codes: tuple = (ENHANCE_YOUR_CALM,)
    reset: Optional[int] = None
    answer: Optional[bytes] = None
    first: Optional[bytes] = b""
    needs: tuple = ()
    connections: int = 20
    streams: int = SIEGE_STREAMS
    pause: float = 0.1
    seconds: int = 70
    reads: bool = True
    tls: bool = False
    app: str = ""
    sample: bool = False


def u32(value):
    return struct.pack(">I", value)


def window_size(octets):
    return struct.pack(">HI", INITIAL_WINDOW_SIZE, octets)


# -- what floods send --

def requests(more, method="GET", flags=END_STREAM, n=4000, path="/"):
    """n requests, each followed by more(stream)"""
    def make(peer):
        block = peer.request(path, method)
        return (frame(HEADERS, flags | END_HEADERS, stream, block) + more(stream)
                for stream in range(1, 2 * n, 2))
    return make


def again(octets, n, begin=lambda peer: b""):
    """The same frame n times, after a beginning"""
    def make(peer):
        yield begin(peer)
        for _ in range(n):
            yield octets
    return make


def rst(stream):
    return frame(RST_STREAM, 0, stream, u32(CANCEL))


def open_post(peer):
    return frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))


def self_dependent(peer):
    block = peer.request()
    for stream in range(1, 8000, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS | PRIO, stream,
                    u32(stream) + b"\x0f" + block)


def wrong_length(peer):
    """A content-length that the body does not keep to (RFC 9113 8.1.1)"""
    block = peer.request("/", "POST", (("content-length", "5"),))
    for stream in range(1, 8000, 2):
        yield frame(HEADERS, END_HEADERS, stream, block) + \
            frame(DATA, END_STREAM, stream, b"123456")


def no_name(peer):
    """A field without a name (CVE-2019-9516)"""
    block = peer.request() + b"\x00\x00\x01a"
    for stream in range(1, 8000, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, block)


def bomb_block(peer):
    """One entry of 4,000 octets in the table, named as often as a frame holds: 48 MB of fields"""
    return peer.request() + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 12000


def hpack_bomb(peer):
    yield frame(HEADERS, END_STREAM | END_HEADERS, 1, bomb_block(peer))
    again_block = peer.request() + b"\xbe" * 15000
    for stream in range(3, 8000, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, again_block)


def crumbs(first, later):
    """Cookies in crumbs, each an octet on the wire; so many in the first request, and in others"""
    def make(peer):
        crumb = b"\x40\x06cookie\x01a"
        yield frame(HEADERS, END_STREAM | END_HEADERS, 1,
                    peer.request() + crumb + b"\xbe" * first)
        block = peer.request() + b"\xbe" * later
        for stream in range(3, 8000, 2):
            yield frame(HEADERS, END_STREAM | END_HEADERS, stream, block)
    return make


def continuations(payload):
    def make(peer):
        yield frame(HEADERS, END_STREAM, 1, peer.request())
        for _ in range(1000):
            yield frame(CONTINUATION, 0, 1, payload)
    return make


def waiting(peer, path="/64K"):
    """As many requests as may be open at once"""
    block = peer.request(path)
    return b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block)
                    for stream in range(1, 2 * SIEGE_STREAMS, 2))


def waiting_crumbs(peer):
    """The same, each with as many fields as pass"""
    crumb = b"\x40\x06cookie\x01a"
    block = peer.request("/64K")
    return frame(HEADERS, END_STREAM | END_HEADERS, 1, block + crumb + b"\xbe" * 123) + \
        b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block + b"\xbe" * 124)
                 for stream in range(3, 2 * SIEGE_STREAMS, 2))


def drip():
    """A window of one octet more for each of these"""
    return b"".join(frame(WINDOW_UPDATE, 0, stream, u32(1))
                    for stream in range(1, 2 * SIEGE_STREAMS, 2))


def oscillation(peer):
    yield waiting(peer)
    for _ in range(1000):
        yield frame(SETTINGS, 0, 0, window_size(0)) + frame(SETTINGS, 0, 0, window_size(65535))


# -- what sieges do --

def siege_waiting(peer):
    peer.send(waiting(peer))


def siege_drip(peer):
    """A window of one octet a second for each stream"""
    peer.send(waiting(peer))
    return lambda: peer.send(drip())


def siege_bomb(peer):
    """As many crumbs as pass, on streams that stay: the HTTP/2 bomb within limits"""
    peer.send(waiting_crumbs(peer))
    return lambda: peer.send(drip())


def siege_unread(peer):
    """Windows wide open, and not an octet read"""
    peer.send(frame(WINDOW_UPDATE, 0, 0, u32(1 << 30)) + waiting(peer, "/1M"))


def siege_dribble(peer):
    """The head of a frame, then an octet a second"""
    block = peer.request() + literal("x-long", "a" * 1000)
    octets = frame(HEADERS, END_STREAM | END_HEADERS, 1, block)
    peer.send(octets[:20])
    at = iter(range(20, len(octets) - 1))
    return lambda: peer.send(octets[(i := next(at, 20)):i + 1])


def siege_slow_block(peer):
    peer.send(frame(HEADERS, END_STREAM, 1, peer.request()))


def siege_half_preface(peer):
    peer.send(PREFACE[:10])


def siege_no_ack(peer):
    peer.send(PREFACE + frame(SETTINGS))


def siege_idle(peer):
    del peer


def siege_slow_bodies(peer):
    """Bodies of an octet a second, on as many streams as may be open at once"""
    block = peer.request("/", "POST")
    streams = range(1, 2 * SIEGE_STREAMS, 2)
    peer.send(b"".join(frame(HEADERS, END_HEADERS, stream, block) for stream in streams))
    drip = b"".join(frame(DATA, 0, stream, b"x") for stream in streams)
    return lambda: peer.send(drip)


def siege_echo(peer):
    """Bodies that the application sends back while no window is open: they fill its memory"""
    block = peer.request("/", "POST")
    peer.send(b"".join(frame(HEADERS, END_HEADERS, stream, block) +
                       frame(DATA, 0, stream, bytes(4000)) for stream in range(1, 32, 2)))


# -- healthy clients at the edge --

def served(peer, stream=99999, path="/"):
    peer.get(stream, path)
    peer.want_response(stream)


def edge_again(octets, n, begin=lambda peer: b"", stream=99999):
    """What the flood does, as often as is allowed"""
    def edge(peer):
        peer.send(begin(peer) + octets * n)
        served(peer, stream)
    return edge


def edge_requests(more, n, method="GET", flags=END_STREAM):
    def edge(peer):
        block = peer.request("/", method)
        for first in range(1, 2 * n, 40):
            peer.send(b"".join(frame(HEADERS, flags | END_HEADERS, stream, block) + more(stream)
                               for stream in range(first, min(first + 40, 2 * n), 2)))
            peer.want_alive()
        served(peer)
    return edge


def edge_streams(peer):
    """As many at once as were advertised"""
    peer.send(waiting(peer, "/"))
    peer.want_responses(range(1, 2 * SIEGE_STREAMS, 2))


def edge_some(peer):
    peer.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, peer.request())
                       for stream in range(1, 40, 2)) +
              frame(SETTINGS, 0, 0, window_size(65535)))
    peer.want_responses(range(1, 40, 2))


def edge_block(peer):
    """A header block of almost 64 KiB in HEADERS and eight CONTINUATIONs"""
    block = peer.request() + literal("x-long", "a" * 65000)
    cut = len(block) // 9 + 1
    parts = [block[i:i + cut] for i in range(0, len(block), cut)]
    peer.send(frame(HEADERS, END_STREAM, 1, parts[0]) +
              b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1]) +
              frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
    peer.want_response(1)


def edge_fields(peer):
    """128 fields, crumbs among them"""
    crumb = b"\x40\x06cookie\x01a"
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, peer.request() + crumb + b"\xbe" * 123)
    assert status(peer, 1) == b"\x88", "not 200"


def edge_list(peer):
    """A list of 65,535 octets, 32 a field counted"""
    size = sum(len(name) + len(value) + 32 for name, value in (
        (":method", "GET"), (":scheme", peer.scheme), (":path", "/"),
        (":authority", peer.authority)))
    block = peer.request() + literal("x", "a" * (65535 - size - 33))
    parts = [block[i:i + 16384] for i in range(0, len(block), 16384)]
    peer.send(frame(HEADERS, END_STREAM, 1, parts[0]) +
              b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1]) +
              frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
    assert status(peer, 1) == b"\x88", "not 200"


def status(peer, stream):
    """The first octet of the answer's block: 0x88 is 200"""
    while True:
        got = peer.read()
        assert got, f"no answer; saw {peer.seen}"
        assert got.kind not in (GOAWAY, RST_STREAM), f"{got}"
        if got.kind == HEADERS and got.stream == stream:
            return got.payload.lstrip(b"\x20\x3f\xe1\x1f")[:1]


def edge_slow_reader(peer):
    """A full frame within each minute is progress enough"""
    peer.get(1, "/64K")
    body = 0
    while body < 65536:
        got = peer.read()
        assert got and got.kind not in (GOAWAY, RST_STREAM), f"{got}; saw {peer.seen}"
        body += len(got.payload) if got.kind == DATA else 0
        if got.kind == DATA and not got.flags & END_STREAM and body % 16375 == 0:
            time.sleep(40)
            credit = u32(16375)
            peer.send(frame(WINDOW_UPDATE, 0, 1, credit) + frame(WINDOW_UPDATE, 0, 0, credit))
    served(peer)


def edge_tiny_window(peer):
    """One octet at a time, of an answer that is short"""
    peer.frame(SETTINGS, 0, 0, window_size(0))
    peer.get(1, "/300")
    body = 0
    while body < 300:
        peer.send(frame(WINDOW_UPDATE, 0, 1, u32(1)))
        got = peer.read()
        assert got and got.kind not in (GOAWAY, RST_STREAM), f"{got}; saw {peer.seen}"
        body += len(got.payload) if got.kind == DATA else 0
    peer.send(frame(SETTINGS, 0, 0, window_size(65535)))
    served(peer)


def edge_patient(peer):
    """Windows shut for most of a minute, then all is there"""
    peer.frame(SETTINGS, 0, 0, window_size(0))
    peer.send(waiting(peer))
    time.sleep(45)
    peer.send(frame(SETTINGS, 0, 0, window_size(1 << 20)) +
              frame(WINDOW_UPDATE, 0, 0, u32(16 << 20)))
    peer.want_responses(range(1, 2 * SIEGE_STREAMS, 2))


def edge_late_reader(peer):
    """Reads nothing for half a minute, then all"""
    peer.send(frame(SETTINGS, 0, 0, window_size(1 << 30)) +
              frame(WINDOW_UPDATE, 0, 0, u32(1 << 30)))
    peer.get(1, "/1M")
    time.sleep(30)
    assert len(peer.want_response(1)) == 1 << 20


def edge_echo(peer):
    """A body of many pieces comes back whole"""
    body = bytes(range(256)) * 230
    peer.frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))
    for at in range(0, len(body), 1000):
        peer.frame(DATA, 0, 1, body[at:at + 1000])
    peer.frame(DATA, END_STREAM, 1)
    got = b""
    while len(got) < len(body):
        answer = peer.read()
        assert answer and answer.kind not in (GOAWAY, RST_STREAM), f"{answer}; saw {peer.seen}"
        if answer.kind == DATA and answer.payload:
            got += answer.payload
            credit = u32(len(answer.payload))
            peer.send(frame(WINDOW_UPDATE, 0, 1, credit) + frame(WINDOW_UPDATE, 0, 0, credit))
    assert got == body, "not what was sent"


def edge_slow_body(peer):
    """1,024 octets within each minute"""
    peer.frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))
    for _ in range(3):
        peer.frame(DATA, 0, 1, bytes(1024))
        time.sleep(40)
    peer.frame(DATA, END_STREAM, 1)
    assert int(peer.want_response(1)) == 3072


def edge_slow_frame(peer):
    octets = frame(HEADERS, END_STREAM | END_HEADERS, 1, peer.request())
    for i in range(0, len(octets), 8):
        peer.send(octets[i:i + 8])
        time.sleep(0.9)
    peer.want_response(1)


def edge_slow_block(peer):
    block = peer.request()
    peer.send(frame(HEADERS, END_STREAM, 1, block[:9]))
    time.sleep(9)
    peer.send(frame(CONTINUATION, END_HEADERS, 1, block[9:]))
    peer.want_response(1)


def edge_slow_preface(peer):
    octets = PREFACE + frame(SETTINGS)
    peer.send(octets[:20])
    time.sleep(9)
    peer.send(octets[20:])
    served(peer, 1)


def edge_late_ack(peer):
    peer.send(PREFACE + frame(SETTINGS))
    time.sleep(9)
    peer.frame(SETTINGS, ACK)
    time.sleep(9)
    served(peer, 1)


def edge_seldom(peer):
    for stream in (1, 3, 5):
        time.sleep(4)
        served(peer, stream)


PING_FRAME = frame(PING, 0, 0, bytes(8))
SETTINGS_FRAME = frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100))
PRIORITY_FRAME = frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")
UNKNOWN_FRAME = frame(0xfa, 0, 0, b"x")
EMPTY_DATA = frame(DATA, 0, 1)
PADDING_DATA = frame(DATA, PADDED, 1, b"\x09" + bytes(9))
CONN_WINDOW = frame(WINDOW_UPDATE, 0, 0, u32(1))
UPDATE_FRAME = frame(PRIORITY_UPDATE, 0, 0, u32(1) + b"u=1")


ATTACKS = [
    Attack("ping_flood", "ping_burst", "flood_ping",
           flood=again(PING_FRAME, 4000), edge=edge_again(PING_FRAME, 1000), tls=True,
           sample=True),
    Attack("settings_flood", "settings_burst", "flood_settings",
           flood=again(SETTINGS_FRAME, 4000), edge=edge_again(SETTINGS_FRAME, 98), sample=True),
    Attack("settings_oscillation", "settings_burst", "flood_settings",
           flood=oscillation, pause=CROWD,
           edge=edge_again(frame(SETTINGS, 0, 0, window_size(0)) +
                           frame(SETTINGS, 0, 0, window_size(65535)), 49)),
    Attack("goaway_flood", "settings_burst", "rx_frame_goaway", codes=(NO_ERROR,),
           flood=again(frame(GOAWAY, 0, 0, bytes(4) + u32(0)), 4000)),
    Attack("priority_flood", "priority_burst", "flood_priority",
           flood=again(PRIORITY_FRAME, 8000), edge=edge_again(PRIORITY_FRAME, 1000)),
    Attack("priority_update_flood", "priority_burst", "flood_priority",
           flood=again(UPDATE_FRAME, 8000), edge=edge_again(UPDATE_FRAME, 1000), sample=True),
    Attack("empty_data_flood", "empty_burst", "flood_empty_data",
           flood=again(EMPTY_DATA, 4000, open_post),
           edge=edge_again(EMPTY_DATA, 100, open_post), sample=True),
    Attack("padding_flood", "empty_burst", "flood_empty_data",
           flood=again(PADDING_DATA, 4000, open_post),
           edge=edge_again(PADDING_DATA, 100, open_post)),
    Attack("window_update_flood", "window_burst", "flood_window_update",
           flood=again(CONN_WINDOW, 40000), edge=edge_again(CONN_WINDOW, 10000), sample=True),
    Attack("unknown_frame_flood", "unknown_burst", "flood_unknown",
           flood=again(UNKNOWN_FRAME, 8000), edge=edge_again(UNKNOWN_FRAME, 1000), sample=True),
    Attack("rapid_reset", "reset_burst", "flood_reset",
           flood=requests(rst), edge=edge_requests(rst, 999), tls=True, sample=True),
    Attack("refused_streams", "streams", "refused_concurrency",
           flood=requests(lambda _: b"", "POST", 0), pause=CROWD, edge=edge_streams),
    Attack("made_reset_window_zero", "reset_burst", "stream_window_zero",
           flood=requests(lambda i: frame(WINDOW_UPDATE, 0, i, u32(0)), "POST", 0),
           edge=edge_requests(lambda i: frame(WINDOW_UPDATE, 0, i, u32(0)), 400, "POST", 0),
           sample=True),
    Attack("made_reset_window_overflow", "reset_burst", "stream_window_overflow",
           flood=requests(lambda i: frame(WINDOW_UPDATE, 0, i, u32(0x7fffffff)), "POST", 0)),
    Attack("made_reset_half_closed", "reset_burst", "stream_half_closed", first=window_size(0),
           flood=requests(lambda i: frame(DATA, 0, i, b"x"), path="/64K")),
    Attack("made_reset_self_dependency", "reset_burst", "stream_self_dependency",
           flood=self_dependent),
    Attack("made_reset_priority_size", "reset_burst", "stream_priority_size",
           flood=requests(lambda i: frame(PRIORITY, 0, i, b"1234"), "POST", 0)),
    Attack("made_reset_content_length", "reset_burst", "stream_malformed",
           flood=wrong_length, sample=True),
    Attack("fields_without_name", "reset_burst", "stream_malformed", flood=no_name),
    Attack("hpack_bomb", "header list", "flood_header_list", flood=hpack_bomb,
           edge=edge_list, sample=True),
    Attack("cookie_bomb", "header list", "flood_header_list",
           flood=crumbs(15000, 16000)),
    Attack("cookie_crumbs", "header list", "refused_header_list", flood=crumbs(200, 200),
           edge=edge_fields, sample=True),
    Attack("continuation_flood", "block_frames", "flood_header_block",
           flood=continuations(b"\x0f"), edge=edge_block, tls=True, sample=True),
    Attack("empty_continuation_flood", "block_frames", "flood_header_block",
           flood=continuations(b"")),
    Attack("large_continuation_flood", "block_octets", "flood_header_block",
           flood=continuations(b"a" * 16384)),
    Attack("replies_unread", "replies", "flood_reply", reads=False,
           needs=("ping_burst=1000000",), flood=again(PING_FRAME, 500000),
           edge=edge_again(PING_FRAME, 5000)),
    Attack("memory", "memory", "refused_memory", needs=("memory=131072",), first=window_size(0),
           pause=CROWD,
           flood=requests(lambda _: b"", path="/64K"),
           edge=edge_some),
    Attack("shut_windows", "stall_ms", "stream_stalled", siege=siege_waiting, reset=CANCEL,
           codes=(), first=window_size(0), edge=edge_patient, sample=True),
    Attack("shut_connection_window", "stall_ms", "stream_stalled", siege=siege_waiting,
           reset=CANCEL, codes=(), seconds=140),
    Attack("dripping_windows", "stall_ms", "stream_stalled", siege=siege_drip, reset=CANCEL,
           codes=(), first=window_size(1), edge=edge_tiny_window),
    Attack("http2_bomb", "stall_ms", "stream_stalled", siege=siege_bomb, reset=CANCEL,
           codes=(), first=window_size(0), edge=edge_slow_reader, seconds=100, sample=True),
    Attack("unread_answers", "stall_ms", "conn_stalled", siege=siege_unread, codes=(),
           first=window_size(1 << 30), reads=False, edge=edge_late_reader, connections=8,
           seconds=150),
    Attack("shut_windows_of_bodies", "stall_ms", "stream_stalled", siege=siege_echo,
           reset=CANCEL, codes=(), first=window_size(0), app="echo", connections=200, streams=16,
           edge=edge_echo),
    Attack("slow_bodies", "body_ms", "stream_slow_body", siege=siege_slow_bodies, reset=CANCEL,
           codes=(), app="discard", edge=edge_slow_body, seconds=100),
    Attack("slow_preface", "preface_ms", "conn_preface_timeout", siege=siege_half_preface,
           codes=(PROTOCOL_ERROR,), first=None, edge=edge_slow_preface, connections=50,
           seconds=20),
    Attack("slow_header_block", "preface_ms", "flood_header_block", siege=siege_slow_block,
           edge=edge_slow_block, connections=50, seconds=20),
    Attack("slow_frame", "preface_ms", "conn_frame_timeout", siege=siege_dribble,
           edge=edge_slow_frame, connections=50, seconds=20, sample=True),
    Attack("settings_without_ack", "settings_ack_ms", "conn_settings_timeout",
           siege=siege_no_ack, codes=(SETTINGS_TIMEOUT,), first=None, edge=edge_late_ack,
           connections=50, seconds=20, sample=True),
    Attack("idle", "idle_ms", "conn_idle", siege=siege_idle, codes=(NO_ERROR,),
           needs=("idle_ms=5000",), edge=edge_seldom, connections=50, seconds=20),
]
