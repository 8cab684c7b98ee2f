# SPDX-License-Identifier: GPL-2.0
"""The results as rows of text, for the terminal and for Documentation/benchmarks.rst."""

from cases import CASES, SERVERS, columns

BEGIN = ".. begin: written by tests/bench/run --record\n"
END = ".. end\n"


class Results:
    """The lines of a run: values by (server, case, transport), and why some are missing."""

    def __init__(self, lines):
        self.versions = next((line["versions"] for line in lines if "versions" in line), {})
        self.all, self.missing = {}, {}
        for line in lines:
            if "server" not in line:
                continue
            key = line["server"], line["case"], line["transport"]
            if "instructions" in line:
                self.all.setdefault(key, []).append(line["instructions"])
            else:
                self.missing[key] = "absent" if "absent" in line else "failed"

    def value(self, server, column):
        values = self.all.get((server, *column))
        return sum(values) / len(values) if values else None

    def spread(self):
        """The largest difference between repetitions of a cell, in percent, and that cell."""
        worst = [((max(values) - min(values)) / min(values) * 100, " ".join(key))
                 for key, values in self.all.items()]
        return max(worst, default=(0, ""))

    def failed(self):
        return sorted(" ".join(key) for key, why in self.missing.items() if why == "failed")

    def best_peer(self, column):
        values = [self.value(name, column) for name, row in SERVERS.items()
                  if row.role == "peer"]
        return min((value for value in values if value is not None), default=None)


def number(value):
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def quotient(value, base):
    return "" if value is None or not base else f"{value / base:.2f}"


def shown(results, server, column):
    value = results.value(server, column)
    if value is not None:
        return number(value / CASES[column[0]].scale)
    return results.missing.get((server, *column), "")


def rows(results):
    """Lists of words: two of head, then the sections; an empty list is a rule."""
    heads = columns()
    yield [""] + [f"{case}, {CASES[case].unit}" if transport == "clear" else ""
                  for case, transport in heads]
    yield [""] + [transport for _, transport in heads]
    yield []
    names = [name for name in SERVERS if any(key[0] == name for key in
                                             (*results.all, *results.missing))]
    for name in names:
        yield [SERVERS[name].title] + [shown(results, name, column) for column in heads]
    yield []
    yield from ratios(results, names)


def ratios(results, names):
    """Lines of quotients: kh2 to the best peer, and all to the limit."""
    for base, roles in (("best peer", ("kh2",)), ("raw", ("kh2", "peer"))):
        for name in names:
            line = [quotient(results.value(name, column),
                             results.best_peer(column) if base == "best peer"
                             else results.value(base, column)) for column in columns()]
            if SERVERS[name].role in roles and any(line):
                yield [f"{SERVERS[name].title} / {base}", *line]


def text(results):
    """For a terminal."""
    lines = list(rows(results))
    widths = [max(len(line[i]) for line in lines[1:] if line)
              for i in range(len(columns()) + 1)]
    heads = [lines[0][1::2], *lines[1:]]
    pairs = [sum(widths[i:i + 2]) + 2 for i in range(1, len(widths), 2)]
    pairs = [max(width, len(word)) for width, word in zip(pairs, heads[0])]
    for i, pair in enumerate(pairs):
        widths[2 * i + 2] = pair - 2 - widths[2 * i + 1]
    out = [" " * widths[0] + "".join("  " + word.rjust(pair)
                                     for word, pair in zip(heads[0], pairs))]
    for line in lines[1:]:
        out.append(line[0].ljust(widths[0]) + "".join(
            "  " + word.rjust(width) for word, width in zip(line[1:], widths[1:]))
            if line else "-" * (sum(widths) + 2 * len(columns())))
    return "\n".join(out)


def rst_table(header, body):
    widths = [max(len(line[i]) for line in [header, *body]) for i in range(len(header))]
    rule = "  ".join("=" * width for width in widths)

    def row(line):
        # An empty first cell would continue the row above.
        return "  ".join((word or "\\").ljust(width) if i == 0 else (word or "—").ljust(width)
                         for i, (word, width) in enumerate(zip(line, widths))).rstrip()
    return "\n".join([rule, row(header), rule, *map(row, body), rule, ""])


def rst(results, date, qemu, commit):
    """What stands between the markers."""
    lines = [line for line in rows(results) if line]
    header = [""] + [f"{case} {transport}" for case, transport in columns()]
    worst, cell = results.spread()
    facts = [["date", date], ["kh2", commit], ["QEMU", qemu],
             *([name, value] for name, value in results.versions.items())]
    units = "; ".join(f"``{name}``: {case.title}, {case.unit}" for name, case in CASES.items())
    return (f"Instructions of the server's side.  {units}.\n\n"
            + rst_table(header, lines[2:])
            + f"\nThe largest difference between two runs of a cell was {worst:.1f} % ({cell}).\n\n"
            + rst_table(["what", "version"], facts))


def replace_between(path, begin, end, generated):
    """What stands in a page between two lines, each there once."""
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(begin)
    _, after = rest.split(end)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{generated}\n{end}{after}")


def insert(path, generated):
    replace_between(path, BEGIN, END, generated)
