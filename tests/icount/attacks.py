#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Each attack of tests/interop/peer/attacks.py ends as it should, at bounded memory, while another
connection keeps its latency; and the healthy client at the edge of each limit is served.

attacks.py [--others] [--only PART]... [--samples N]    in TAP; needs kh2d, kh2 and kh2.ko
attacks.py --attacker NAME --port N [--tls]             what the former starts

One attack of each kind, or all others, or those whose names have PART in them.

Meant for a guest whose time counts instructions: waiting costs nothing there, and a latency is what
the server did, not what the machine had to do besides.  There all share one processor, which in life
they do not: attackers run at the idle priority, the healthy client at one of real time, so that
neither waits for the other, but only for what the server does.
"""

import argparse
import collections
import gc
import json
import os
import pathlib
import resource
import select
import signal
import statistics
import subprocess
import sys
import time
import types

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop" / "peer"))
from attacks import ATTACKS, CROWD, PIECE  # noqa: E402
from h2raw import (CODES, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS,  # noqa: E402
                   RST_STREAM, WINDOW_UPDATE, Peer, frame)

MIB = 1 << 20
RATIO = 2               # of the latencies' 99th percentiles, during an attack and before
TRIES = 3
THINK = 0.0005          # seconds between requests of the healthy client
# What a connection may cost, beside the session's limit: its stream objects in kh2d, slabs
CONNECTION = 2 * MIB
SLACK = 24 * MIB


# ---- the attacker's process ----

class Verdicts:
    """How connections ended, and their streams."""

    def __init__(self):
        self.ends = collections.Counter()
        self.resets = collections.Counter()
        self.statuses = collections.Counter()

    def take(self, peer):
        """Looks at the frames that are there; the code of a GOAWAY other than the graceful."""
        while len(peer.buffer) >= 9 and len(peer.buffer) >= 9 + peer.length():
            got = peer.read()
            if got.kind == GOAWAY:
                peer.goaway = CODES[got.code]
            elif got.kind == RST_STREAM:
                self.resets[CODES[got.code]] += 1
                peer.resets += 1
            elif got.kind == HEADERS:
                self.statuses[got.payload.lstrip(b"\x20\x3f\xe1\x1f")[:4].hex()] += 1

    def end(self, peer):
        self.ends[peer.goaway or "closed"] += 1

    def tell(self):
        print(json.dumps({"ends": self.ends, "resets": self.resets,
                          "statuses": self.statuses}), flush=True)


def connect(options, attack):
    peer = Peer(options)
    peer.goaway, peer.resets, peer.tick = None, 0, None
    if attack.first is not None:
        peer.handshake(attack.first)
    return peer


def drain(peer):
    """Takes what has come, without waiting."""
    peer.sock.setblocking(False)
    try:
        while True:
            data = peer.sock.recv(1 << 16)
            if not data:
                peer.ended = True
                return
            peer.buffer += data
    except (BlockingIOError, InterruptedError):
        pass
    except OSError as err:
        peer.ended = type(err).__name__ not in ("SSLWantReadError", "SSLWantWriteError")


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
    limit = time.monotonic() + 20
    while not peer.ended and time.monotonic() < limit and peer.fill(limit):
        pass
    drain(peer)
    verdicts.take(peer)
    if peer.ended:
        verdicts.end(peer)
    else:
        verdicts.ends["open"] += 1
    peer.sock.close()


def flood(options, attack):
    verdicts, pieces = Verdicts(), None
    while True:
        peer = connect(options, attack)
        if pieces is None:
            pieces = flood_pieces(peer, attack)
            print("ready", flush=True)
        flood_once(peer, pieces, attack, verdicts)
        if wants_end(max(attack.pause, CROWD) if options.tls else attack.pause):
            break
    verdicts.tell()


def is_over(peer, attack):
    return peer.ended or (attack.reset is not None and peer.resets >= attack.streams)


def besiege(options, attack, verdicts):
    peers = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    for _ in range(attack.connections):
        peer = connect(options, attack)
        peer.tick = attack.siege(peer)
        peers.append(peer)
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
        if peer.ended:
            verdicts.end(peer)
    return peers


def siege(options, attack):
    verdicts = Verdicts()
    peers = besiege(options, attack, verdicts)
    verdicts.tell()
    for peer in peers:
        peer.sock.close()


def attacker(options):
    attack = next(row for row in ATTACKS if row.name == options.attacker)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    (flood if attack.flood else siege)(options, attack)


# ---- the test ----

class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def result(self, passed, name, why=""):
        self.count += 1
        self.failed += not passed
        if why:
            print(f"# {name}: {why}")
        print(f"{'ok' if passed else 'not ok'} {self.count} {name}", flush=True)

    def finish(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def stats():
    done = subprocess.run(["kh2", "--json", "stats"], capture_output=True, check=True)
    return json.loads(done.stdout)


def of_proc(path, name):
    with open(path, encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))


class Server:
    """kh2d with one worker, so that all share it."""

    def __init__(self, needs, tls, app):
        words = ["kh2d", "serve", "--listen", "127.0.0.1:0", "--workers", "1", "--backend",
                 "kernel"]
        words += ["--app", f"{os.environ['KH2_BIN']}/apps/{app}.so"] if app else ["--root", "www"]
        for need in needs:
            words += ["--limit", need]
        if tls:
            words += ["--cert", "cert.pem", "--key", "key.pem"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        self.options = types.SimpleNamespace(host="127.0.0.1", port=0, tls=tls, path="/")
        for line in self.process.stderr:
            if line.startswith("kh2d: listening on"):
                self.options.port = int(line.split(" (")[0].rsplit(":", 1)[1])
                return
        raise RuntimeError("kh2d did not start")

    def memory(self):
        """Octets of the process and of the kernel's own, pages of the cache left out"""
        return of_proc(f"/proc/{self.process.pid}/status", "RssAnon") + \
            of_proc("/proc/meminfo", "Slab") + of_proc("/proc/meminfo", "VmallocUsed")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Healthy:
    """One request at a time on one connection, with a body for an application"""

    def __init__(self, options, app):
        self.peer = Peer(options)
        self.peer.handshake()
        # more than all its answers
        self.peer.send(frame(WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big")))
        self.block = self.peer.request("/", "POST" if app else "GET")
        self.app = app
        self.stream = -1

    def request(self):
        self.stream += 2
        peer, octets = self.peer, frame(HEADERS, END_STREAM | END_HEADERS, self.stream, self.block)
        if self.app:
            octets = frame(HEADERS, END_HEADERS, self.stream, self.block) + \
                frame(DATA, END_STREAM, self.stream, b"hello\n")
        start = time.perf_counter_ns()
        peer.sock.sendall(octets)
        while True:
            got = peer.read()
            if not got or got.kind in (GOAWAY, RST_STREAM):
                raise RuntimeError(f"the healthy connection got {got}")
            if got.stream == self.stream and got.kind in (DATA, HEADERS) and \
                    got.flags & END_STREAM:
                return time.perf_counter_ns() - start

    def measure(self, n, meanwhile=lambda: None):
        """Sorted latencies of n requests, ns"""
        times = []
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        for i in range(n):
            time.sleep(THINK)
            times.append(self.request())
            if i % 50 == 49:
                meanwhile()
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return sorted(times)


def percentile(times, part):
    return times[min(int(len(times) * part), len(times) - 1)]


def shown(times):
    return f"p50 {statistics.median(times) / 1e3:.0f} us, p99 {percentile(times, .99) / 1e3:.0f} us"


class Trial:
    """One attack against one server"""

    def __init__(self, server, healthy, quiet, attack, options):
        self.server, self.healthy, self.quiet = server, healthy, quiet
        self.attack, self.options = attack, options
        self.before = stats()
        self.memory = self.peak = server.memory()

    def watch(self):
        self.peak = max(self.peak, self.server.memory())

    def run(self):
        words = [sys.executable, __file__, "--attacker", self.attack.name, "--port",
                 str(self.server.options.port)]
        if self.server.options.tls:
            words.append("--tls")
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if child.stdout.readline() != "ready\n":
                raise RuntimeError("the attacker did not begin")
            times = self.healthy.measure(self.options.samples, self.watch)
            self.watch()
            child.stdin.close()
            verdict = json.loads(child.stdout.readline() or "{}")
            child.wait(60)
        finally:
            child.kill()
            child.wait()
        return times, verdict

    def ended_well(self, verdict):
        attack = self.attack
        ends = set(verdict.get("ends", ())) - {"closed"}
        if not ends <= {CODES[code] for code in attack.codes}:
            return False
        if attack.codes and not verdict.get("ends"):
            return False
        if attack.reset is not None:
            wanted = attack.streams * attack.connections
            return verdict["resets"].get(CODES[attack.reset], 0) >= wanted
        return True

    def gone(self):
        """Nothing is left of the attacker's sessions."""
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            now = stats()
            if now["sessions"] <= 1:
                return True
            time.sleep(1)
        return False


def judge(tap, trial):
    name = trial.attack.name + ("_tls" if trial.server.options.tls else "")
    for attempt in range(trial.options.tries):
        times, verdict = trial.run()
        ratio = percentile(times, .99) / percentile(trial.quiet, .99)
        if ratio <= RATIO:
            break
        print(f"# {name}: try {attempt + 1}: {shown(times)}, {ratio:.2f} of quiet")
    counter = trial.attack.counter
    rose = stats()["counters"][counter] - trial.before["counters"][counter]
    tap.result(trial.ended_well(verdict) and rose > 0, name + "_is_stopped",
               f"{verdict}, {counter} +{rose}")
    tap.result(ratio <= RATIO, name + "_leaves_others_their_latency",
               f"{shown(times)}; quiet {shown(trial.quiet)}; ratio {ratio:.2f}")
    grown = trial.peak - trial.memory
    bound = SLACK + (CONNECTION * trial.attack.connections if trial.attack.siege else 0)
    tap.result(grown < bound, name + "_memory_is_bounded", f"{grown / MIB:.1f} MiB more")
    tap.result(trial.gone(), name + "_leaves_nothing")


def edge(tap, server, attack):
    name = attack.name + "_edge_is_served"
    counter = attack.counter
    before = stats()["counters"]
    try:
        with Peer(server.options) as peer:
            if attack.first is not None:
                peer.handshake()
            attack.edge(peer)
        rose = stats()["counters"][counter] - before[counter]
        if counter.startswith("stream_") or counter.startswith("refused_"):
            rose = 0
        tap.result(not rose, name, f"{counter} +{rose}" if rose else "")
    except (AssertionError, OSError) as err:
        tap.result(False, name, f"{type(err).__name__}: {err}")


def run_group(tap, group, tls, rows, options):
    needs, app = group
    server = Server(needs, tls, app)
    healthy = Healthy(server.options, app)
    healthy.measure(100)
    quiet = healthy.measure(options.samples)
    print(f"# quiet: {shown(quiet)}")
    for attack in rows:
        start = time.monotonic()
        judge(tap, Trial(server, healthy, quiet, attack, options))
        if attack.edge and not tls:
            edge(tap, server, attack)
        print(f"# {attack.name}: {time.monotonic() - start:.1f} s of guest time", flush=True)
    healthy.peer.sock.close()
    tap.result(server.stop() == 0, "-".join(("stops", app or "files", "tls" if tls else "clear") + needs))


def make_site():
    os.makedirs("www", exist_ok=True)
    for name, octets in (("index.html", 6), ("300", 300), ("64K", 65536), ("1M", MIB)):
        pathlib.Path("www", name).write_bytes(os.urandom(octets))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-keyout", "key.pem", "-out", "cert.pem"], stderr=subprocess.DEVNULL,
                   check=True)


def chosen(options):
    if options.only:
        return [row for row in ATTACKS if any(part in row.name for part in options.only)]
    return [row for row in ATTACKS if row.sample != options.others]


def groups(rows):
    for group in sorted({(row.needs, row.app) for row in rows}):
        yield group, False, [row for row in rows if (row.needs, row.app) == group]
    yield ((), ""), True, [row for row in rows if row.tls]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--attacker")
    parser.add_argument("--port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    if options.attacker:
        return attacker(options)
    gc.disable()
    make_site()
    tap = Tap()
    for group, tls, rows in groups(chosen(options)):
        if rows:
            run_group(tap, group, tls, rows, options)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
