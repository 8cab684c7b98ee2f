# SPDX-License-Identifier: GPL-2.0
"""Memory of idle connections as rows of text, for the terminal and Documentation/benchmarks.rst."""

from cases import IDLE_SERVERS, TRANSPORTS
from table import replace_between, rst_table

BEGIN = ".. begin: written by tests/bench/idle --record\n"
END = ".. end of idle\n"

COLUMNS = [(transport, what) for transport in TRANSPORTS
           for what in ("kernel", "beyond sockets", "server")]


def values(lines):
    """Octets by (server, transport, what)."""
    found = {}
    bare = next((line["kernel"] for line in lines
                 if line["server"] == "sockets" and "kernel" in line), None)
    for line in lines:
        if "kernel" not in line:
            continue
        key = line["server"], line["transport"]
        found[(*key, "kernel")] = line["kernel"]
        found[(*key, "server")] = line["user"]
        if bare is not None:
            found[(*key, "beyond sockets")] = line["kernel"] - bare
    return found


def rows(lines):
    found = values(lines)
    for server in IDLE_SERVERS:
        if any(key[0] == server for key in found):
            yield [IDLE_SERVERS[server].title] + [
                "" if (server, *column) not in found else
                f"{max(found[(server, *column)], 0) / 1024:.1f}" for column in COLUMNS]


def header():
    return [""] + [f"{transport}, {what}" for transport, what in COLUMNS]


def text(lines):
    took = ", ".join(f"{line['server']} {line['transport']} {line['opened_s']:.0f} s"
                     for line in lines if "opened_s" in line)
    return rst_table(header(), list(rows(lines))) + "KiB a connection.  To open them took: " + took


def caches(lines):
    out = []
    for line in lines:
        most = sorted(line.get("caches", {}).items(), key=lambda item: -item[1])
        out.append(f"{line['server']} {line['transport']}: " + ", ".join(
            f"{name} {octets:.0f}" for name, octets in most))
    return "\n".join(out)


def insert(path, lines, date, commit):
    clear, tls = (next((line["connections"] for line in lines if line["transport"] == transport
                        and "connections" in line), 0) for transport in TRANSPORTS)
    generated = (f"KiB a connection, {clear} open in the clear, {tls} over TLS; {date}, kh2 "
                 f"{commit}.\n\n"
                 + rst_table(header(), list(rows(lines))))
    replace_between(path, BEGIN, END, generated)
