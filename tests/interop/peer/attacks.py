# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The attacks that a server must survive, each with the healthy client at the edge of its limit.

ATTACKS is one table: what is sent, how it ends, which counter tells why.  Two kinds: a flood sends
as fast as it can until the connection is gone; a siege opens connections and stays on them, until
time ends it.
"""

import dataclasses
import struct
import time
from typing import Callable, Optional, Union

import hpack
from h2raw import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                   FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, NO_ERROR, PADDED, PING,
                   PREFACE, PRIO, PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS,
                   SETTINGS_TIMEOUT, STREAM_CLOSED, WINDOW_UPDATE, frame, literal)

PRIORITY_UPDATE = 0x10
INITIAL_WINDOW_SIZE = 4
PIECE = 2048        # octets that a flood hands to its socket at once
SIEGE_STREAMS = 128
RESETS = 1000       # reset_burst
CLOSED, STAYS = "closed", "open"    # how connections end without GOAWAY, or do not
LIST_OCTETS, LIST_FIELDS, FAR = 65535, 128, 4   # a header list, and how many times that is too far
CROWD = 0.4         # seconds between connections that begin with a handshake or 128 good requests


@dataclasses.dataclass
class Attack:
    """A row of the table.

    limit: the limit that it meets.  counter: rises once for each connection that ends.
    flood(peer): octets, in frames, or siege(peer): sends something, and may return a function that
    is called each second.  edge(peer): the healthy client, and provokes: the one counter of errors
    that this may raise.  end: how each connection ends, by GOAWAY of a code, CLOSED or STAYS;
    streams: how many of each connection, at least, end by a reset of the code reset, or are
    answered with the status answer, and stream_counter: rises for each of these; late: another
    code, of resets for what still comes.  spends: the counter of what draws on the limit.
    memory: MiB that the guest may lose meanwhile.  first: settings of the handshake, None for no
    handshake.  needs: limits of kh2d.  connections: of a siege, and seconds: how long it may
    last.  pause: seconds between those of a flood.  reads: takes what it is sent.  app: serves,
    instead of files.  sample: stands for its kind where there is no time for all.
    """
    name: str
    limit: str
    counter: str
    flood: Optional[Callable] = None
    siege: Optional[Callable] = None
    edge: Optional[Callable] = None
    provokes: str = ""
    end: Union[int, str] = ENHANCE_YOUR_CALM
    streams: int = 0
    reset: Optional[int] = None
    late: Optional[int] = None
    answer: Optional[str] = None
    stream_counter: str = ""
    spends: str = ""
    memory: int = 6
    first: Optional[bytes] = b""
    needs: tuple = ()
    connections: int = 20
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

def many(make, n=4000):
    """n streams, each of the octets make(peer)(stream)"""
    def flood(peer):
        one = make(peer)
        return (one(stream) for stream in range(1, 2 * n, 2))
    return flood


def request_and(more, method="GET", flags=END_STREAM, path="/"):
    """A request, followed by more(stream)"""
    def make(peer):
        block = peer.request(path, method)
        return lambda stream: frame(HEADERS, flags | END_HEADERS, stream, block) + more(stream)
    return make


def post_and(more):
    return request_and(more, "POST", 0)


def again(octets, n, begin=lambda peer: b""):
    """The same frame n times, after a beginning"""
    def make(peer):
        yield begin(peer)
        for _ in range(n):
            yield octets
    return make


def rst(stream):
    return frame(RST_STREAM, 0, stream, u32(CANCEL))


def open_get(peer):
    return frame(HEADERS, END_STREAM | END_HEADERS, 1, peer.request("/64K"))


def open_post(peer):
    return frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))


def self_dependent(peer):
    block = peer.request()
    return lambda stream: frame(HEADERS, END_STREAM | END_HEADERS | PRIO, stream,
                                u32(stream) + b"\x0f" + block)


def wrong_length(peer):
    """A content-length that the body does not keep to (RFC 9113 8.1.1)"""
    block = peer.request("/", "POST", (("content-length", "5"),))
    return lambda stream: frame(HEADERS, END_HEADERS, stream, block) + \
        frame(DATA, END_STREAM, stream, b"123456")


def no_name(peer):
    """A field without a name (CVE-2019-9516)"""
    block = peer.request() + b"\x00\x00\x01a"
    return lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, block)


def bomb_block(peer, n):
    """One entry of 4,000 octets in the table, and named n times more"""
    return peer.request() + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * n


def hpack_bomb(peer):
    """As often as a frame holds: 48 MB of fields"""
    yield frame(HEADERS, END_STREAM | END_HEADERS, 1, bomb_block(peer, 12000))
    again_block = peer.request() + b"\xbe" * 15000
    for stream in range(3, 8000, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, again_block)


def crumb_block(peer, n, path="/"):
    """n cookies in crumbs, of which all but the first are an octet on the wire"""
    return peer.request(path) + b"\x40\x06cookie\x01a" + b"\xbe" * (n - 1)


def crumbs(first, later):
    """So many in the first request, and in others"""
    def make(peer):
        yield frame(HEADERS, END_STREAM | END_HEADERS, 1, crumb_block(peer, first + 1))
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
    block = peer.request("/64K")
    return frame(HEADERS, END_STREAM | END_HEADERS, 1, crumb_block(peer, 124, "/64K")) + \
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


def depend(stream, parent):
    """PRIORITY: on another, and exclusively"""
    return frame(PRIORITY, 0, stream, u32(0x80000000 | parent) + b"\x0f")


def shuffled(n):
    """Two streams take all others from each other in turn, so that each of n frames moves them"""
    return depend(1, 0) + depend(3, 1) + (depend(1, 3) + depend(3, 1)) * (n // 2 - 1)


def shuffle(peer):
    """The tree as large as may be, its streams with data that wait for the connection's window"""
    yield waiting(peer)
    yield b"".join(depend(stream, 0) for stream in range(10001, 10021, 2))
    for _ in range(80):
        yield shuffled(100)


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


def edge_many(make, n=RESETS, last=b""):
    """n such streams, and then a request"""
    def edge(peer):
        one = make(peer)
        for first in range(1, 2 * n, 40):
            peer.send(b"".join(one(stream) for stream in range(first, min(first + 40, 2 * n), 2)))
            peer.want_alive()
        peer.send(last)
        served(peer)
    return edge


def edge_leaves(peer):
    """GOAWAY, and what was asked before is answered"""
    peer.get(1, "/64K")
    peer.send(GOAWAY_FRAME)
    assert len(peer.want_response(1)) == 65536
    peer.want_end()


def edge_goaways(peer):
    """The handshake spent two of the hundred"""
    peer.get(1, "/64K")
    peer.send(GOAWAY_FRAME * 98 + frame(WINDOW_UPDATE, 0, 1, u32(65536)))
    assert len(peer.want_response(1)) == 65536
    peer.want_end()


def edge_shuffle(peer):
    """All that was asked for comes, whatever the tree has come to"""
    peer.send(waiting(peer) + shuffled(1000) + OPEN_WINDOWS)
    peer.want_responses(range(1, 2 * SIEGE_STREAMS, 2))


def edge_streams(peer):
    """As many at once as were advertised"""
    peer.send(waiting(peer, "/"))
    peer.want_responses(range(1, 2 * SIEGE_STREAMS, 2))


def edge_some(peer):
    """About as many, with all that they hold, as the memory is for"""
    streams = range(1, 90, 2)
    block = peer.request("/64K")
    peer.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block)
                       for stream in streams))
    peer.want_alive()
    peer.send(OPEN_WINDOWS)
    peer.want_responses(streams)


def in_frames(block, size):
    """A header block in HEADERS and CONTINUATION of so many octets each"""
    parts = [block[at:at + size] for at in range(0, len(block), size)]
    kinds = [HEADERS] + [CONTINUATION] * (len(parts) - 1)
    ends = [0] * (len(parts) - 1) + [END_HEADERS]
    return b"".join(frame(kind, end | (END_STREAM if kind == HEADERS else 0), 1, part)
                    for kind, end, part in zip(kinds, ends, parts))


def edge_block(peer):
    """A header block of almost 64 KiB in HEADERS and eight CONTINUATIONs"""
    block = peer.request() + literal("x-long", "a" * 65000)
    peer.send(in_frames(block, len(block) // 9 + 1))
    peer.want_response(1)


def edge_empty_block(peer):
    """Eight CONTINUATIONs without octets"""
    peer.send(frame(HEADERS, END_STREAM, 1, peer.request()) + frame(CONTINUATION, 0, 1) * 7 +
              frame(CONTINUATION, END_HEADERS, 1))
    peer.want_response(1)


def braces(n):
    """The string of 8 * n braces by Huffman's code, 15 octets for 8 (RFC 7541 Appendix B)"""
    length = 15 * n - 127
    return b"\xff" + bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14]) + \
        int("111111111111110" * 8, 2).to_bytes(15, "big") * n


def edge_large_block(peer):
    """65,536 octets to the last, of a list that is no larger"""
    block = peer.request() + b"\0\1x" + braces(4300)
    block += literal("y", "a" * (65536 - len(block) - 6))
    assert len(block) == 65536, len(block)
    peer.send(in_frames(block, 16384))
    peer.want_response(1)


def want_status(peer, stream, wanted, decoder):
    """Reads up to the answer; the decoder is to see all blocks of the connection."""
    while True:
        got = peer.read()
        assert got, f"no answer; saw {peer.seen}"
        assert got.kind not in (GOAWAY, RST_STREAM), f"{got}"
        if got.kind == HEADERS:
            fields = dict(decoder.decode(got.payload))
            if got.stream == stream:
                assert fields[":status"] == wanted, f"{fields}, not {wanted}"
                return


def list_room(peer, octets):
    """What is left of a list of so many octets besides the fields of a request, 32 a field"""
    return octets - sum(len(name) + len(value) + 32 for name, value in (
        (":method", "GET"), (":scheme", peer.scheme), (":path", "/"),
        (":authority", peer.authority)))


def edge_fields(peer):
    """128 fields, crumbs among them, are served"""
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, crumb_block(peer, LIST_FIELDS - 4))
    want_status(peer, 1, "200", hpack.Decoder())


def edge_list(peer):
    """A list of 65,535 octets is served; one of four times that is answered, and others after it"""
    decoder = hpack.Decoder()
    room = list_room(peer, LIST_OCTETS)
    peer.send(in_frames(peer.request() + literal("x", "a" * (room - 33)), 16384))
    want_status(peer, 1, "200", decoder)
    room = list_room(peer, FAR * LIST_OCTETS) - 64 * (4000 + 33)
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 3,
               bomb_block(peer, 63) + literal("x", "a" * (room - 33)))
    want_status(peer, 3, "431", decoder)
    peer.get(5)
    want_status(peer, 5, "200", decoder)


def edge_far_fields(peer):
    """Four times as many fields as pass are answered, and others after them"""
    decoder = hpack.Decoder()
    peer.frame(HEADERS, END_STREAM | END_HEADERS, 1, crumb_block(peer, FAR * LIST_FIELDS - 4))
    want_status(peer, 1, "431", decoder)
    peer.get(3)
    want_status(peer, 3, "200", decoder)


def edge_slow_reader(peer):
    """A full frame within each minute is progress enough"""
    peer.frame(SETTINGS, 0, 0, window_size(16375))
    peer.get(1, "/64K")
    body = 0
    while body < 65536:
        got = peer.read()
        assert got and got.kind not in (GOAWAY, RST_STREAM), f"{got}; saw {peer.seen}"
        body += len(got.payload) if got.kind == DATA else 0
        if got.kind == DATA and not got.flags & END_STREAM and body % 16375 == 0:
            time.sleep(MINUTE)
            credit = u32(16375)
            peer.send(frame(WINDOW_UPDATE, 0, 1, credit) + frame(WINDOW_UPDATE, 0, 0, credit))
    served(peer)


def edge_tiny_window(peer):
    """One octet at a time, of an answer that so is whole within the minute"""
    peer.frame(SETTINGS, 0, 0, window_size(0))
    peer.get(1, "/300")
    body = 0
    while body < 300:
        time.sleep(MINUTE / 300)
        peer.send(frame(WINDOW_UPDATE, 0, 1, u32(1)))
        got = peer.read()
        assert got and got.kind not in (GOAWAY, RST_STREAM), f"{got}; saw {peer.seen}"
        body += len(got.payload) if got.kind == DATA else 0
    peer.send(frame(SETTINGS, 0, 0, window_size(65535)))
    served(peer)


def edge_patient(window):
    """Windows, of streams or the connection, shut for most of a minute, then all is there"""
    def edge(peer):
        peer.frame(SETTINGS, 0, 0, window_size(window))
        peer.send(waiting(peer))
        time.sleep(MINUTE)
        peer.send(OPEN_WINDOWS)
        peer.want_responses(range(1, 2 * SIEGE_STREAMS, 2))
    return edge


def edge_late_reader(peer):
    """Reads nothing for most of a minute, then all"""
    peer.send(frame(SETTINGS, 0, 0, window_size(1 << 30)) +
              frame(WINDOW_UPDATE, 0, 0, u32(1 << 30)))
    peer.get(1, "/1M")
    time.sleep(MINUTE)
    assert len(peer.want_response(1)) == 1 << 20


def edge_echo(peer):
    """A body of many pieces comes back whole, though nothing of it for most of a minute"""
    body = bytes(range(256)) * 230
    peer.frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))
    for at in range(0, len(body), 1000):
        peer.frame(DATA, 0, 1, body[at:at + 1000])
    peer.frame(DATA, END_STREAM, 1)
    time.sleep(MINUTE)
    peer.send(OPEN_WINDOWS)
    assert peer.want_response(1) == body, "not what was sent"


def edge_slow_body(peer):
    """1,024 octets within each minute"""
    peer.frame(HEADERS, END_HEADERS, 1, peer.request("/", "POST"))
    for _ in range(3):
        peer.frame(DATA, 0, 1, bytes(1024))
        time.sleep(MINUTE)
    peer.frame(DATA, END_STREAM, 1)
    assert peer.want_response(1) == b"3072\n"


def edge_slow_frame(peer):
    octets = frame(HEADERS, END_STREAM | END_HEADERS, 1, peer.request())
    for at in range(0, len(octets), 8):
        peer.send(octets[at:at + 8])
        time.sleep(MOMENT * 8 / len(octets))
    peer.want_response(1)


def edge_slow_block(peer):
    block = peer.request()
    peer.send(frame(HEADERS, END_STREAM, 1, block[:9]))
    time.sleep(MOMENT)
    peer.send(frame(CONTINUATION, END_HEADERS, 1, block[9:]))
    peer.want_response(1)


def edge_slow_preface(peer):
    octets = PREFACE + frame(SETTINGS)
    peer.send(octets[:20])
    time.sleep(MOMENT)
    peer.send(octets[20:])
    served(peer, 1)


def edge_late_ack(peer):
    peer.send(PREFACE + frame(SETTINGS))
    time.sleep(MOMENT)
    peer.frame(SETTINGS, ACK)
    time.sleep(MOMENT)
    served(peer, 1)


def edge_seldom(peer):
    for stream in (1, 3, 5):
        time.sleep(4.8)
        served(peer, stream)


MINUTE, MOMENT = 58, 9.5    # seconds: a little less than stall_ms and body_ms, than preface_ms
PING_FRAME = frame(PING, 0, 0, bytes(8))
SETTINGS_FRAME = frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100))
PRIORITY_FRAME = frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")
UNKNOWN_FRAME = frame(0xfa, 0, 0, b"x")
EMPTY_DATA = frame(DATA, 0, 1)
PADDING_DATA = frame(DATA, PADDED, 1, b"\x09" + bytes(9))
CONN_WINDOW = frame(WINDOW_UPDATE, 0, 0, u32(1))
GOAWAY_FRAME = frame(GOAWAY, 0, 0, bytes(4) + u32(0))
OPEN_WINDOWS = frame(SETTINGS, 0, 0, window_size(1 << 20)) + \
    frame(WINDOW_UPDATE, 0, 0, u32(16 << 20))
UPDATE_FRAME = frame(PRIORITY_UPDATE, 0, 0, u32(1) + b"u=1")


def made_reset(name, counter, code, make, **more):
    """Streams that the peer makes us reset (CVE-2025-8671)"""
    edge = edge_many(make, last=more.pop("last", b""))
    return Attack(name, "reset_burst", "flood_reset", flood=many(make), edge=edge,
                  provokes=counter, streams=RESETS, reset=code, stream_counter=counter,
                  spends=counter, **more)


def stalled(name, siege, **more):
    """Answers that wait for windows: their streams are reset, and the connection stays"""
    return Attack(name, "stall_ms", "", siege=siege, end=STAYS,
                  **{"streams": SIEGE_STREAMS, "reset": CANCEL, "stream_counter": "stream_stalled",
                     **more})


ATTACKS = [
    Attack("ping_flood", "ping_burst", "flood_ping", spends="rx_frame_ping",
           flood=again(PING_FRAME, 4000), edge=edge_again(PING_FRAME, 1000), tls=True,
           sample=True),
    Attack("settings_flood", "settings_burst", "flood_settings", spends="rx_frame_settings",
           flood=again(SETTINGS_FRAME, 4000), edge=edge_again(SETTINGS_FRAME, 98), sample=True),
    Attack("settings_oscillation", "settings_burst", "flood_settings", spends="rx_frame_settings",
           flood=oscillation, pause=CROWD,
           edge=edge_again(frame(SETTINGS, 0, 0, window_size(0)) +
                           frame(SETTINGS, 0, 0, window_size(65535)), 49)),
    Attack("goaway_flood", "", "rx_frame_goaway", end=NO_ERROR,
           flood=again(GOAWAY_FRAME, 4000), edge=edge_leaves),
    Attack("goaway_flood_between", "settings_burst", "flood_settings", first=window_size(0),
           flood=again(GOAWAY_FRAME, 4000, open_get), edge=edge_goaways, sample=True),
    Attack("priority_flood", "priority_burst", "flood_priority", spends="rx_frame_priority",
           flood=again(PRIORITY_FRAME, 8000), edge=edge_again(PRIORITY_FRAME, 1000)),
    Attack("priority_shuffle", "priority_burst", "flood_priority", spends="rx_frame_priority",
           flood=shuffle, edge=edge_shuffle, pause=CROWD, sample=True),
    Attack("priority_update_flood", "priority_burst", "flood_priority", spends="rx_frame_unknown",
           flood=again(UPDATE_FRAME, 8000), edge=edge_again(UPDATE_FRAME, 1000), sample=True),
    Attack("empty_data_flood", "empty_burst", "flood_empty_data", spends="rx_frame_data",
           flood=again(EMPTY_DATA, 4000, open_post),
           edge=edge_again(EMPTY_DATA, 100, open_post), sample=True),
    Attack("padding_flood", "empty_burst", "flood_empty_data", spends="rx_frame_data",
           flood=again(PADDING_DATA, 4000, open_post),
           edge=edge_again(PADDING_DATA, 100, open_post)),
    Attack("window_update_flood", "window_burst", "flood_window_update",
           spends="rx_frame_window_update",
           flood=again(CONN_WINDOW, 40000), edge=edge_again(CONN_WINDOW, 10000), sample=True),
    Attack("unknown_frame_flood", "unknown_burst", "flood_unknown", spends="rx_frame_unknown",
           flood=again(UNKNOWN_FRAME, 8000), edge=edge_again(UNKNOWN_FRAME, 1000), sample=True),
    Attack("rapid_reset", "reset_burst", "flood_reset", spends="streams_reset_by_peer",
           flood=many(request_and(rst)), edge=edge_many(request_and(rst)), tls=True, sample=True),
    Attack("refused_streams", "reset_burst", "flood_reset", spends="refused_concurrency",
           flood=many(post_and(lambda _: b"")), edge=edge_streams, pause=CROWD,
           streams=RESETS, reset=REFUSED_STREAM, stream_counter="refused_concurrency"),
    made_reset("made_reset_window_zero", "stream_window_zero", PROTOCOL_ERROR,
               post_and(lambda i: frame(WINDOW_UPDATE, 0, i, u32(0))), sample=True),
    made_reset("made_reset_window_overflow", "stream_window_overflow", FLOW_CONTROL_ERROR,
               post_and(lambda i: frame(WINDOW_UPDATE, 0, i, u32(0x7fffffff)))),
    made_reset("made_reset_half_closed", "stream_half_closed", STREAM_CLOSED,
               request_and(lambda i: frame(DATA, 0, i, b"x"), path="/64K"),
               first=window_size(0), last=frame(SETTINGS, 0, 0, window_size(65535))),
    made_reset("made_reset_self_dependency", "stream_self_dependency", PROTOCOL_ERROR,
               self_dependent),
    made_reset("made_reset_priority_size", "stream_priority_size", FRAME_SIZE_ERROR,
               post_and(lambda i: frame(PRIORITY, 0, i, b"1234"))),
    made_reset("made_reset_content_length", "stream_malformed", PROTOCOL_ERROR, wrong_length,
               sample=True),
    made_reset("fields_without_name", "stream_malformed", PROTOCOL_ERROR, no_name, answer="400"),
    Attack("hpack_bomb", "", "flood_header_list", flood=hpack_bomb,
           edge=edge_list, provokes="refused_header_list", sample=True),
    Attack("cookie_bomb", "", "flood_header_list", flood=crumbs(15000, 16000),
           edge=edge_far_fields, provokes="refused_header_list"),
    Attack("cookie_crumbs", "reset_burst", "flood_reset", spends="refused_header_list",
           flood=crumbs(200, 200), edge=edge_fields, streams=RESETS, answer="431",
           stream_counter="refused_header_list", sample=True),
    Attack("continuation_flood", "block_frames", "flood_header_block",
           spends="rx_frame_continuation",
           flood=continuations(b"\x0f"), edge=edge_block, tls=True, sample=True),
    Attack("empty_continuation_flood", "block_frames", "flood_header_block",
           spends="rx_frame_continuation",
           flood=continuations(b""), edge=edge_empty_block),
    Attack("large_continuation_flood", "block_octets", "flood_header_block",
           flood=continuations(b"a" * 16384), edge=edge_large_block),
    Attack("replies_unread", "replies", "flood_reply", end=CLOSED, reads=False,
           needs=("ping_burst=1000000",), flood=again(PING_FRAME, 500000),
           edge=edge_again(PING_FRAME, 5000)),
    Attack("memory", "reset_burst", "flood_reset", spends="refused_memory",
           needs=("memory=131072",), first=window_size(0), pause=CROWD,
           flood=many(request_and(lambda _: b"", path="/64K")), edge=edge_some,
           streams=RESETS, reset=REFUSED_STREAM, stream_counter="refused_memory"),
    stalled("shut_windows", siege_waiting, first=window_size(0), edge=edge_patient(0), memory=16,
            sample=True),
    stalled("shut_connection_window", siege_waiting, seconds=140, edge=edge_patient(65535),
            memory=16),
    stalled("dripping_windows", siege_drip, first=window_size(1), edge=edge_tiny_window,
            memory=12),
    stalled("http2_bomb", siege_bomb, first=window_size(0), edge=edge_slow_reader, seconds=100,
            memory=40, sample=True),
    stalled("shut_windows_of_bodies", siege_echo, first=window_size(0), app="echo",
            connections=200, streams=16, edge=edge_echo, memory=40),
    Attack("unread_answers", "stall_ms", "conn_stalled", siege=siege_unread, end=CLOSED,
           first=window_size(1 << 30), reads=False, edge=edge_late_reader, connections=8,
           seconds=150, memory=16),
    Attack("slow_bodies", "body_ms", "", siege=siege_slow_bodies, end=STAYS,
           streams=SIEGE_STREAMS, reset=CANCEL, late=STREAM_CLOSED,
           stream_counter="stream_slow_body", app="discard", edge=edge_slow_body, seconds=100,
           memory=10, sample=True),
    Attack("slow_preface", "preface_ms", "conn_preface_timeout", siege=siege_half_preface,
           end=PROTOCOL_ERROR, first=None, edge=edge_slow_preface, connections=50, seconds=20),
    Attack("slow_header_block", "preface_ms", "flood_header_block", siege=siege_slow_block,
           edge=edge_slow_block, connections=50, seconds=20),
    Attack("slow_frame", "preface_ms", "conn_frame_timeout", siege=siege_dribble,
           edge=edge_slow_frame, connections=50, seconds=20, sample=True),
    Attack("settings_without_ack", "settings_ack_ms", "conn_settings_timeout",
           siege=siege_no_ack, end=SETTINGS_TIMEOUT, first=None, edge=edge_late_ack,
           connections=50, seconds=20, sample=True),
    Attack("idle", "idle_ms", "conn_idle", siege=siege_idle, end=NO_ERROR,
           needs=("idle_ms=5000",), edge=edge_seldom, connections=50, seconds=20,
           provokes="conn_idle"),      # of the other client, which has nothing to ask meanwhile
]
