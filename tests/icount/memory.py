# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What an attack costs the guest as a whole in memory."""

import os

MIB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


def meminfo():
    with open("/proc/meminfo", encoding="ascii") as file:
        return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}


def anonymous(pid):
    """Of a process, 0 if it is gone"""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024 for line in file
                         if line.startswith("RssAnon:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def of_sockets():
    """All that TCP has charged to sockets, pages of files that wait there included"""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        words = next(line.split() for line in file if line.startswith("TCP:"))
    return int(words[words.index("mem") + 1]) * PAGE


def kept_by_processors():
    """Free pages that processors keep at hand, which are not counted as free"""
    with open("/proc/zoneinfo", encoding="ascii") as file:
        return sum(int(line.split()[1]) * PAGE for line in file
                   if line.lstrip().startswith("count:"))


class Memory:
    """Octets that the guest has lost since this began, and when that was most, where they were.

    Lost is what is not available any more, whoever has it: the server, slabs, sockets, pages and
    rings that are accounted nowhere.  The attacker's own memory and this process's do not count,
    but what waits in the attacker's sockets does.
    """

    def __init__(self, server):
        self.server = server
        self.begin = self.now(0)
        self.peak = {"guest": -1 << 60}

    def now(self, attacker):
        info = meminfo()
        free = info["MemAvailable"] + kept_by_processors()
        others = anonymous(os.getpid()) + (anonymous(attacker) if attacker else 0)
        return {"guest": info["MemTotal"] - free - others, "kh2d": anonymous(self.server),
                "slab": info["Slab"], "vmalloc": info["VmallocUsed"], "sockets": of_sockets()}

    def look(self, attacker):
        """attacker: the number of its process"""
        now = self.now(attacker)
        lost = {part: now[part] - self.begin[part] for part in now}
        if lost["guest"] > self.peak["guest"]:
            self.peak = lost

    def __str__(self):
        parts = [f"{part} {octets / MIB:+.1f}" for part, octets in self.peak.items()
                 if part != "guest"]
        return f"{self.peak['guest'] / MIB:.1f} MiB lost ({', '.join(parts)})"
