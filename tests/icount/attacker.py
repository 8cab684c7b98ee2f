# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The attacker's process: does one attack until it is told to end, and tells how that ended."""

import collections
import json
import os
import resource
import select
import ssl
import time

import hpack
from attacks import ATTACKS, CLOSED, CROWD, PIECE, STAYS
from h2raw import GOAWAY, HEADERS, RST_STREAM, Peer, code_name

END_WAIT = 20       # seconds for what a flood has brought about


def statuses_of(blocks):
    """The statuses of one connection's answers; a block of one octet is an index, and says the
    same as often as it comes."""
    decoder, last, status = hpack.Decoder(), None, None
    for block in blocks:
        if len(block) > 1 or block != last:
            status = dict(decoder.decode(block))[":status"]
        last = block
        yield status


class Verdicts:
    """How connections ended, their streams, and with which status these were answered"""

    def __init__(self):
        self.ends = collections.Counter()
        self.resets = collections.Counter()
        self.blocks = []

    def take(self, peer):
        """Looks at the frames that are there."""
        while len(peer.buffer) >= 9 and len(peer.buffer) >= 9 + peer.length():
            got = peer.read()
            if got.kind == GOAWAY:
                peer.goaway = code_name(got.code)
            elif got.kind == RST_STREAM:
                self.resets[code_name(got.code)] += 1
                peer.resets += 1
            elif got.kind == HEADERS:
                peer.blocks.append(got.payload)

    def end(self, peer):
        """Nothing more will be heard of it. GOAWAY is not enough, the end must follow."""
        drain(peer)
        self.take(peer)
        self.ends[(peer.goaway or CLOSED) if peer.ended else STAYS] += 1
        self.blocks.append(peer.blocks)

    def tell(self):
        """Blocks are decoded now, so as not to have held the attack up."""
        statuses = collections.Counter(
            status for blocks in self.blocks for status in statuses_of(blocks))
        print(json.dumps({"ends": self.ends, "resets": self.resets, "statuses": statuses}),
              flush=True)


def connect(options, attack):
    peer = Peer(options)
    peer.goaway, peer.resets, peer.blocks, peer.tick = None, 0, [], None
    if attack.first is not None:
        peer.handshake(attack.first)
    return peer


def drain(peer):
    """Takes what has come, without waiting."""
    pieces = []
    peer.sock.setblocking(False)
    try:
        while data := peer.sock.recv(1 << 16):
            pieces.append(data)
        peer.ended = True
    except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    except OSError:
        peer.ended = True
    peer.buffer += b"".join(pieces)


def flood_pieces(peer, attack):
    """The octets in pieces of whole frames"""
    pieces, piece = [], bytearray()
    for octets in attack.flood(peer):
        piece += octets
        if len(piece) >= PIECE:
            pieces.append(bytes(piece))
            piece.clear()
    return pieces + [bytes(piece)]


def wants_end(seconds):
    """The test closes our standard input when it has seen enough."""
    return bool(select.select([0], [], [], seconds)[0])


def flood_once(peer, pieces, attack, verdicts):
    for piece in pieces:
        peer.send(piece)
        if attack.reads:
            drain(peer)
            verdicts.take(peer)
        if peer.broken or peer.ended or peer.goaway:
            break
    limit = time.monotonic() + END_WAIT
    while not peer.ended and time.monotonic() < limit and peer.fill(limit):
        pass
    verdicts.end(peer)
    peer.sock.close()


def flood(options, attack, verdicts):
    pieces = None
    while True:
        peer = connect(options, attack)
        if pieces is None:
            pieces = flood_pieces(peer, attack)
            print("ready", flush=True)
        flood_once(peer, pieces, attack, verdicts)
        if wants_end(max(attack.pause, CROWD) if options.tls else attack.pause):
            return


def is_over(peer, attack):
    return peer.ended or (attack.reset is not None and peer.resets >= attack.streams)


def besiege(options, attack):
    peers = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    for _ in range(attack.connections):
        peer = connect(options, attack)
        peer.tick = attack.siege(peer)
        peers.append(peer)
    return peers


def siege(options, attack, verdicts):
    peers = besiege(options, attack)
    print("ready", flush=True)
    for _ in range(attack.seconds):
        time.sleep(1)
        for peer in peers:
            if peer.tick:
                peer.tick()
            if attack.reads:
                drain(peer)
                verdicts.take(peer)
        if all(is_over(peer, attack) for peer in peers):
            break
    for peer in peers:
        verdicts.end(peer)


def run(options):
    """Does the attack of that name at the idle priority."""
    attack = next(row for row in ATTACKS if row.name == options.attacker)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    verdicts = Verdicts()
    (flood if attack.flood else siege)(options, attack, verdicts)
    verdicts.tell()
