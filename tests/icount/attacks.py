#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Each attack of tests/interop/peer/attacks.py ends as it should, at bounded memory, while another
connection keeps its latency; and the healthy client at the edge of each limit is served.

attacks.py [--others] [--only PART]... [--samples N]    in TAP; needs kh2d, kh2 and kh2.ko
attacks.py --attacker NAME --port N [--tls]             what the former starts

One attack of each kind, or all others, or those whose names have PART in them.

Meant for a guest whose time counts instructions: waiting costs nothing there, and a latency is what
the server did, not what the machine had to do besides.  There all share one processor, which in
life they do not: attackers run at the idle priority, the healthy client at one of real time, so
that neither waits for the other, but only for what the server does.  So does kh2d, below the
client: who is idle gets a tick of 4 ms now and then, while others of the fair class wait.
"""

import argparse
import gc
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
import types

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop" / "peer"))
import attacker  # noqa: E402
from attacks import ATTACKS  # noqa: E402
from h2raw import (DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM,  # noqa: E402
                   WINDOW_UPDATE, Peer, code_name, frame)
from memory import MIB, Memory  # noqa: E402

RATIO = 2               # of the latencies' 99th percentiles, during an attack and before
TRIES = 3
THINK = 500000          # ns between requests of the healthy client
LOOK = 20               # requests between two looks at the memory
LATE = 1.25             # times a limit, at which a flood must have ended
# Counters that tell of errors; conn_transport is ours, when we close with answers unread
ERRORS = ("flood_", "conn_", "stream_", "refused_")


def print_table(head, rows):
    """As Documentation/attacks.rst has it, in comments"""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    rule = ["=" * width for width in widths]
    for row in [rule, head, rule, *rows, rule]:
        print("#", "  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip())


class Tap:
    def __init__(self):
        self.count = self.failed = 0
        self.seen = []      # rows of a table

    def result(self, passed, name, *why):
        self.count += 1
        self.failed += not passed
        for text in filter(None, why):
            print(f"# {name}: {text}")
        print(f"{'ok' if passed else 'not ok'} {self.count} {name}", flush=True)

    def finish(self):
        print_table(["attack", "99 % below", "all below", "quiet", "ratio", "MiB", "at most"],
                    self.seen)
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def stats():
    done = subprocess.run(["kh2", "--json", "stats"], capture_output=True, check=True)
    return json.loads(done.stdout)


def limits_of_session():
    """Of the one session that there is"""
    words = ["kh2", "--json", "session"]
    found = json.loads(subprocess.run([*words, "list"], capture_output=True, check=True).stdout)
    assert len(found) == 1, found
    shown = subprocess.run([*words, "show", str(found[0]["id"])], capture_output=True, check=True)
    return json.loads(shown.stdout)["limits"]


class Server:
    """kh2d with one worker, so that all share it."""

    def __init__(self, needs, tls, app):
        words = ["chrt", "--fifo", "1", "kh2d", "serve", "--listen", "127.0.0.1:0",
                 "--workers", "1", "--backend", "kernel"]
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

    def request(self, due):
        """Latency since it was due, ns: who keeps the processor before it is sent, counts too"""
        self.stream += 2
        peer, octets = self.peer, frame(HEADERS, END_STREAM | END_HEADERS, self.stream, self.block)
        if self.app:
            octets = frame(HEADERS, END_HEADERS, self.stream, self.block) + \
                frame(DATA, END_STREAM, self.stream, b"hello\n")
        peer.sock.sendall(octets)
        while True:
            got = peer.read()
            if not got or got.kind in (GOAWAY, RST_STREAM):
                raise RuntimeError(f"the healthy connection got {got}")
            if got.stream == self.stream and got.kind in (DATA, HEADERS) and \
                    got.flags & END_STREAM:
                return time.monotonic_ns() - due

    def measure(self, n, meanwhile=lambda: None):
        """Sorted latencies of n requests, ns"""
        times = []
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
        for i in range(n):
            due = time.monotonic_ns() + THINK
            time.sleep(THINK / 1e9)
            times.append(self.request(due))
            if i % LOOK == LOOK - 1:
                meanwhile()
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return sorted(times)


def percentile(times, part):
    return times[min(int(len(times) * part), len(times) - 1)]


def in_us(times, part):
    return f"{percentile(times, part) / 1e3:.0f} us"


def shown(times):
    return f"p50 {in_us(times, .5)}, p99 {in_us(times, .99)}, most {in_us(times, 1)}"


def named(code):
    return code_name(code) if isinstance(code, int) else code


def unlike(what, found, wanted, only, also):
    """Says so if there is not at least as much as is wanted of the only one that may be."""
    if set(found) - {only, also} or (only and found.get(only, 0) < wanted):
        yield f"{what} were {found}, not {f'{wanted} {only}' if only else 'any'}"


class Attempt:
    """How one attempt of an attack went: latencies, the attacker's verdict, how counters rose"""

    def __init__(self, times, quiet, verdict, rose):
        self.times, self.verdict, self.rose = times, verdict, rose
        self.ratio = percentile(times, .99) / percentile(quiet, .99)

    def amiss(self, attack, limits):
        """Yields what is not as it should be."""
        ends, connections = self.verdict["ends"], sum(self.verdict["ends"].values())
        end = named(attack.end)
        wanted = attack.connections if attack.siege else connections
        if not connections or ends != {end: wanted}:
            yield f"connections ended by {ends}, not {wanted or 'some'} by {end}"
        if attack.counter and self.rose[attack.counter] != connections:
            yield f"{attack.counter} +{self.rose[attack.counter]}, not {connections}"
        yield from self.streams_amiss(attack, connections)
        yield from self.spending_amiss(attack, connections, limits)

    def streams_amiss(self, attack, connections):
        wanted = attack.streams * connections
        yield from unlike("resets", self.verdict["resets"], wanted, named(attack.reset),
                          named(attack.late))
        if attack.answer:
            yield from unlike("statuses", self.verdict["statuses"], wanted, attack.answer, None)
        if attack.stream_counter and self.rose[attack.stream_counter] < wanted:
            yield f"{attack.stream_counter} +{self.rose[attack.stream_counter]}, not {wanted}"

    def spending_amiss(self, attack, connections, limits):
        """The end came when the limit was spent, and not much later."""
        if attack.limit and attack.limit not in limits:
            yield f"there is no limit {attack.limit}"
        if not attack.spends:
            return
        least, spent = limits.get(attack.limit, 0) * connections, self.rose[attack.spends]
        if not least <= spent <= LATE * least:
            yield f"{attack.spends} +{spent}, not {least} to {LATE * least:.0f}"


class Trial:
    """One attack against one server"""

    def __init__(self, site, attack, options):
        self.site, self.attack, self.options = site, attack, options
        self.memory = Memory(site.server.process.pid)
        self.attempts = []

    def run(self):
        """Attempts until the latency is as it should be"""
        while len(self.attempts) < self.options.tries:
            self.attempts.append(self.attempt())
            if self.last.ratio <= RATIO:
                return

    @property
    def last(self):
        return self.attempts[-1]

    def attempt(self):
        before = stats()["counters"]
        times, verdict = self.do()
        after = stats()["counters"]
        rose = {name: after[name] - before[name] for name in after}
        return Attempt(times, self.site.quiet, verdict, rose)

    def do(self):
        """Latencies while the attacker is at work, and its verdict"""
        words = [sys.executable, __file__, "--attacker", self.attack.name, "--port",
                 str(self.site.server.options.port)]
        if self.site.server.options.tls:
            words.append("--tls")
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if child.stdout.readline() != "ready\n":
                raise RuntimeError("the attacker did not begin")
            self.memory.look(child.pid)
            times = self.site.healthy.measure(self.options.samples,
                                              lambda: self.memory.look(child.pid))
            child.stdin.close()
            while not select.select([child.stdout], [], [], 1)[0]:
                self.memory.look(child.pid)
                self.site.healthy.request(time.monotonic_ns())
            verdict = json.loads(child.stdout.readline())
            child.wait(60)
        finally:
            child.kill()
            child.wait()
        return times, verdict

    def gone(self):
        """Nothing is left of the attacker's sessions."""
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            if stats()["sessions"] <= 1:
                return True
            time.sleep(1)
        return False


def judge(tap, trial):
    attack, name = trial.attack, trial.attack.name + trial.site.suffix
    trial.run()
    amiss = [f"attempt {number}: {text}" for number, attempt in enumerate(trial.attempts, 1)
             for text in attempt.amiss(attack, trial.site.limits)]
    tap.result(not amiss, name + "_is_stopped", *amiss, f"{trial.last.verdict}")
    ratios = [f"{attempt.ratio:.2f}" for attempt in trial.attempts]
    tap.result(trial.last.ratio <= RATIO, name + "_leaves_others_their_latency",
               f"{shown(trial.last.times)}; quiet {shown(trial.site.quiet)}; "
               f"ratio {ratios[-1]} at attempt {len(ratios)}" +
               (f" after {', '.join(ratios[:-1])}" if ratios[1:] else ""))
    lost = trial.memory.peak["guest"]
    tap.result(lost <= attack.memory * MIB, name + "_memory_is_bounded",
               f"{trial.memory}; at most {attack.memory} MiB")
    tap.result(trial.gone(), name + "_leaves_nothing")
    tap.seen.append([f"``{name}``", in_us(trial.last.times, .99), in_us(trial.last.times, 1),
                     in_us(trial.site.quiet, .99), ", ".join(ratios), f"{lost / MIB:.1f}",
                     str(attack.memory)])


def errors_since(before):
    """Counters of errors that have risen"""
    after = stats()["counters"]
    return {name: after[name] - before[name] for name in after
            if name.startswith(ERRORS) and name != "conn_transport" and after[name] > before[name]}


def edge(tap, server, attack):
    name = attack.name + "_edge_is_served"
    before = stats()["counters"]
    try:
        with Peer(server.options) as peer:
            if attack.first is not None:
                peer.handshake(attack.first)
            attack.edge(peer)
        errors = errors_since(before)
        tap.result(not set(errors) - {attack.provokes}, name, f"{errors or ''}")
    except (AssertionError, OSError) as err:
        tap.result(False, name, f"{type(err).__name__}: {err}", f"{errors_since(before)}")


class Site:
    """A server, and the healthy client of it with its latencies while nothing else is"""

    def __init__(self, needs, app, tls, samples):
        self.server = Server(needs, tls, app)
        self.suffix = "_tls" if tls else ""
        self.healthy = Healthy(self.server.options, app)
        self.limits = limits_of_session()
        self.healthy.measure(100)
        self.quiet = self.healthy.measure(samples)


def run_group(tap, group, tls, rows, options):
    needs, app = group
    site = Site(needs, app, tls, options.samples)
    print(f"# quiet: {shown(site.quiet)}")
    for attack in rows:
        start = time.monotonic()
        judge(tap, Trial(site, attack, options))
        if attack.edge and not tls:
            edge(tap, site.server, attack)
        print(f"# {attack.name}: {time.monotonic() - start:.1f} s of guest time", flush=True)
    site.healthy.peer.sock.close()
    tap.result(site.server.stop() == 0,
               "-".join(("stops", app or "files", "tls" if tls else "clear") + needs))


def stop_khugepaged():
    """It copies 2 MiB at a time, and who shares its processor waits a millisecond or two."""
    pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").write_text("never",
                                                                           encoding="ascii")


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
        return attacker.run(options)
    gc.disable()
    stop_khugepaged()
    make_site()
    tap = Tap()
    for group, tls, rows in groups(chosen(options)):
        if rows:
            run_group(tap, group, tls, rows, options)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
