# SPDX-License-Identifier: GPL-2.0
"""What floods cost as rows of text, for the terminal and for Documentation/attacks.rst."""

from cases import FLOODED
from table import replace_between, rst_table

BEGIN = ".. begin: written by tests/bench/floods --record\n"
END = ".. end of floods\n"


def cell(line):
    """Thousand instructions a frame, and how many frames until the end"""
    if "instructions" not in line:
        return ["failed" if "failed" in line else "", ""]
    frames = str(line["sent"]) if line["ended"] else f"> {line['sent']}"
    return [f"{line['instructions'] / 1e3:.2f}", frames]


def rows(lines):
    found = {(line["server"], line["flood"]): line for line in lines if "flood" in line}
    for flood in dict.fromkeys(name for _, name in found):
        yield [f"``{flood}``"] + [word for server in FLOODED
                                  for word in cell(found.get((server, flood), {}))]


def header():
    return ["attack"] + [word for server in FLOODED for word in (FLOODED[server].title.replace(
        ", OpenSSL", ""), "ends at")]


def text(lines):
    return rst_table(header(), list(rows(lines)))


def insert(path, lines, date, commit):
    versions = next(line["versions"] for line in lines if "versions" in line)
    generated = (f"Thousand instructions a frame, and the frame that ended the connection; {date}, "
                 f"kh2 {commit}, kernel\n{versions['kernel']}, {versions['nghttpd']}, "
                 f"{versions['nginx']}.\n\n" + rst_table(header(), list(rows(lines))))
    replace_between(path, BEGIN, END, generated)
