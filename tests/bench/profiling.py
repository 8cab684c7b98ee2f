# SPDX-License-Identifier: GPL-2.0
"""Where the server's instructions go, by sampling the guest in virtual time."""

import collections
import subprocess
import sys

import cases
from cases import CASES
from measure import client_command, run_client
from servers import DIR, Broken

PERIOD = 100_000        # instructions between samples
MAX_RATE = "/proc/sys/kernel/perf_event_max_sample_rate"
CPU_LIMIT = "/proc/sys/kernel/perf_cpu_time_max_percent"


def set_sysctl(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def lift_limits():
    """The rate cannot be set while the other limit is off."""
    set_sysctl(CPU_LIMIT, 25)
    set_sysctl(MAX_RATE, 100_000)
    set_sysctl(CPU_LIMIT, 0)


def record(words, callers):
    lift_limits()
    done = subprocess.run(["perf", "record", "-q", "-a", "-e", "cpu-clock", "-c", str(PERIOD),
                           *(["-g"] if callers else []), "-o", DIR + "/perf.data", "--", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Broken("perf record: " + done.stdout[-300:])


def samples():
    """Counts of (command, symbol, object)."""
    done = subprocess.run(["perf", "script", "-i", DIR + "/perf.data", "-G",
                           "-F", "comm,ip,sym,dso"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    counts = collections.Counter()
    for line in done.stdout.splitlines():
        head, _, where = line.rpartition(" (")
        comm, _, rest = head.strip().partition("  ")
        symbol = " ".join(rest.split()[1:]) or "?"
        counts[comm.split("/")[0], symbol, where.rstrip(")").split("/")[-1]] += 1
    return counts


def profile(running, server, case, transport, orders):
    """Prints the top symbols; percent and instructions a request are of the server's share."""
    spec = CASES[case]
    few = spec.clients * spec.streams
    requests = cases.requests(case, transport, orders["factor"])
    run_client(server, case, transport, few * 2, running.process.pid)
    words = client_command(server, case, transport, requests)
    record(words, orders["callers"])
    counts = samples()
    drop = {words[0].split("/")[-1], "swapper", "perf", "perf-exec"}
    # A number is a process before its exec: the client.
    kept = {key: n for key, n in counts.items() if key[0] not in drop and key[0][0] != ":"}
    report(server, case, transport, requests, counts, kept, orders["top"])
    if orders["callers"]:
        sys.stdout.write(call_graph(orders["top"]))
    sys.stdout.flush()


def report(server, case, transport, requests, counts, kept, top):
    total = sum(kept.values())
    each = total * PERIOD / requests
    print(f"\n{server} {case} {transport}: {total} samples of the server's side, "
          f"{sum(counts.values())} in all; {each / 1e3:.1f} k instructions a request")
    for title, index in (("command", 0), ("object", 2), ("symbol", 1)):
        sums = collections.Counter()
        for key, n in kept.items():
            sums[(key[1], key[2]) if index == 1 else (key[index],)] += n
        print(f"\n   percent  a request  {title}")
        for key, n in sums.most_common(top):
            print(f"   {100 * n / total:6.2f}  {n * PERIOD / requests:10.0f}  {'  '.join(key)}")


def call_graph(top):
    done = subprocess.run(["perf", "report", "-i", DIR + "/perf.data", "--stdio", "-g",
                           "caller,0.5,callee", "--no-children", "--percent-limit", "1",
                           "--max-stack", "12"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return "\n".join(done.stdout.splitlines()[:top * 40]) + "\n"
