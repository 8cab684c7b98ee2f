# SPDX-License-Identifier: GPL-2.0
"""What is measured: the load of each case, and the servers with their rows."""

import collections
import fnmatch

KIB = 1024
MIB = 1024 * KIB

CIPHER = "TLS_AES_128_GCM_SHA256"

# title, body size, connections, streams on each, h2load's window bits (0: its default),
# requests of the measured run (cleartext, TLS), divisor of the result, unit
Case = collections.namedtuple("Case", "title size clients streams window requests scale unit")

CASES = {
    "1k-m32": Case("1 KiB, 2 × 32 streams", KIB, 2, 32, 0, (4800, 4800), 1e3, "k/request"),
    "1k-m100": Case("1 KiB, 1 × 100 streams", KIB, 1, 100, 0, (4800, 4800), 1e3, "k/request"),
    "16k": Case("16 KiB, 2 × 8 streams", 16 * KIB, 2, 8, 24, (1600, 1600), 1e3,
                "k/request"),
    "10m": Case("10 MiB, 1 × 2 streams", 10 * MIB, 1, 2, 24, (60, 16), 10e6, "M/MiB"),
}

TRANSPORTS = ("clear", "tls")

# title, transports, whether records are to be sealed by kTLS, what the row is for
Row = collections.namedtuple("Row", "title transports ktls role")

SERVERS = {
    "nghttpd": Row("nghttpd", TRANSPORTS, False, "peer"),
    "nginx": Row("nginx, OpenSSL", TRANSPORTS, False, "peer"),
    "nginx-ktls": Row("nginx, kTLS", ("tls",), True, "peer"),
    "kh2-kernel": Row("kh2, kernel", TRANSPORTS, True, "kh2"),
    "kh2-user": Row("kh2, user", TRANSPORTS, False, "kh2"),
    "raw": Row("raw", TRANSPORTS, True, "raw"),
    "raw-joined": Row("raw, joined", TRANSPORTS, True, "raw"),
}

# Who is asked what idle connections cost. "sockets" accepts them and does no more.
IDLE_SERVERS = {
    "sockets": Row("sockets alone", ("clear",), False, "raw"),
    **{name: SERVERS[name] for name in ("kh2-kernel", "kh2-user", "nghttpd", "nginx",
                                        "nginx-ktls")},
}

# What an upload goes over: what the client sends is delayed and takes its turn at the rate; one
# packet in LOSS of these is lost, if not 0.
Path = collections.namedtuple("Path", "title netem loss")

UPLOAD_SIZE = 8 * MIB
PATHS = {
    "10ms": Path("10 ms", "delay 10ms rate 40mbit", 0),
    "50ms": Path("50 ms", "delay 50ms rate 40mbit", 0),
    "100ms": Path("100 ms", "delay 100ms rate 40mbit", 0),
    "loss": Path("50 ms, loss", "delay 50ms rate 40mbit", 1000),
}

# Uploads side by side on one connection, over this path
SHARED_PATH = "50ms"
NEIGHBOURS = 4
NEIGHBOUR_SIZE = UPLOAD_SIZE // NEIGHBOURS

# title, whether an application can be slow to read
Receiver = collections.namedtuple("Receiver", "title slow")

UPLOAD_SERVERS = {
    "kh2-kernel": Receiver("kh2, kernel", True),
    "kh2-user": Receiver("kh2, user", True),
    "nginx": Receiver("nginx, proxy", True),
    "nginx-stream": Receiver("nginx, proxy, unbuffered", True),
    "nghttpd": Receiver("nghttpd", False),
    "node": Receiver("Node.js", True),
}

# Who is flooded
FLOODED = {name: SERVERS[name] for name in ("kh2-kernel", "kh2-user", "nghttpd", "nginx")}


def columns():
    return [(case, transport) for case in CASES for transport in TRANSPORTS]


def select(patterns, names):
    """The names that match one of the patterns; an unmatched pattern is the user's mistake."""
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise SystemExit(f"kh2: nothing is called '{pattern}', only: {' '.join(names)}")
    return [name for name in names if not patterns
            or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def cells(servers, cases):
    """What to run, as (server, case, transport); a case is CASE or CASE-TRANSPORT."""
    wanted = select(cases, [f"{case}-{transport}" for case, transport in columns()]
                    + list(CASES)) if cases else list(CASES)
    return [(server, case, transport) for server in select(servers, list(SERVERS))
            for transport in SERVERS[server].transports for case in CASES
            if {case, f"{case}-{transport}"} & set(wanted)
            and not (server == "raw-joined" and case == "10m")]


def requests(case, transport, factor):
    """How many requests to measure: whole turns of all streams, and a few of them at least."""
    spec = CASES[case]
    turn = spec.clients * spec.streams
    return max(int(spec.requests[TRANSPORTS.index(transport)] * factor) // turn, 4) * turn
