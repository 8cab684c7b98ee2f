# SPDX-License-Identifier: GPL-2.0
"""Uploads as rows of text, for the terminal and for Documentation/flow-control.rst."""

from cases import NEIGHBOURS, PATHS, SHARED_PATH, TRANSPORTS, UPLOAD_SERVERS, UPLOAD_SIZE
from table import replace_between, rst_table

BEGIN = ".. begin: written by tests/bench/upload --record\n"
END = ".. end of uploads\n"

# Columns: title, path, what is sent
ONE = [(path.title, name, "one") for name, path in PATHS.items()]
SOME = [(f"{NEIGHBOURS} uploads", SHARED_PATH, "some"),
        ("beside a slow one", SHARED_PATH, "beside")]


def times(lines, server, path, what, transport):
    """Milliseconds, of each round."""
    return [line["ms"] for line in lines if "ms" in line and
            (line["server"], line["path"], line["what"], line["transport"])
            == (server, path, what, transport)]


def share(lines, server, path, what, transport):
    """Of the rate without HTTP on the same path and in the clear, percent."""
    mine = times(lines, server, path, what, transport)
    bare = times(lines, "tcp", path, "one", "clear")
    return 100 * min(bare) / min(mine) if mine and bare else None


def failed(lines, *cell):
    return any("failed" in line and (line["server"], line.get("path", cell[1]),
                                     line.get("what", cell[2]), line["transport"]) == cell
               for line in lines)


def percent(lines, *cell):
    found = share(lines, *cell)
    return f"{found:.0f}" if found else "failed" if failed(lines, *cell) else ""


def bare_rate(lines, path):
    """Mbit/s of plain TCP."""
    found = times(lines, "tcp", path, "one", "clear")
    return f"{UPLOAD_SIZE * 8e-3 / min(found):.1f}" if found else "none"


def bare_rates(lines):
    return "; ".join(f"{path.title}: {bare_rate(lines, name)}" for name, path in PATHS.items())


def table(lines, columns):
    """One of the two tables: a row for each server, columns in the clear and over TLS."""
    header = [""] + [f"{title}{', TLS' if transport == 'tls' else ''}"
                     for title, *_ in columns for transport in TRANSPORTS]
    names = ["tcp", *UPLOAD_SERVERS]
    body = [[title_of(name)] + [percent(lines, name, path, what, transport)
                                for _, path, what in columns for transport in TRANSPORTS]
            for name in names
            if any(times(lines, name, path, what, transport) or
                   failed(lines, name, path, what, transport)
                   for _, path, what in columns for transport in TRANSPORTS)]
    return header, body


def title_of(server):
    return "without HTTP" if server == "tcp" else UPLOAD_SERVERS[server].title


def text(lines):
    """For a terminal, and most of what stands between the markers."""
    rounds = 1 + max((line["round"] for line in lines if "round" in line), default=0)
    header, body = table(lines, SOME)
    some = (f"{NEIGHBOURS} uploads side by side on one connection, {PATHS[SHARED_PATH].title}:\n\n"
            f"{rst_table(header, body)}\n") if body else ""
    return (f"Percent of plain TCP's rate, best of {rounds}.  One upload:\n\n"
            f"{rst_table(*table(lines, ONE))}\n{some}"
            f"Plain TCP, Mbit/s: {bare_rates(lines)}.\n")


def rst(lines, date, commit):
    versions = next(line["versions"] for line in lines if "versions" in line)
    return text(lines) + "\n" + rst_table(
        ["what", "version"], [["date", date], ["kh2", commit], *map(list, versions.items())])


def insert(path, generated):
    replace_between(path, BEGIN, END, generated)
