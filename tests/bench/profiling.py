# SPDX-License-Identifier: GPL-2.0
"""Where the server's instructions go, by sampling the guest in virtual time."""

import collections
import re
import subprocess
import sys

import cases
from cases import CASES
from measure import client_command, run_client
from servers import DIR, Broken

PERIOD = 100_000        # instructions between samples
DEPTH = 4               # callers told of
MAX_RATE = "/proc/sys/kernel/perf_event_max_sample_rate"
CPU_LIMIT = "/proc/sys/kernel/perf_cpu_time_max_percent"
FRAME = re.compile(r"\s+[0-9a-f]+ (.*) \((.*)\)$")

# symbol and object of each frame, the innermost first
Sample = collections.namedtuple("Sample", "command frames")


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
                           *(["--call-graph", "dwarf,6144"] if callers else []),
                           "-o", DIR + "/perf.data", "--", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Broken("perf record: " + done.stdout[-300:])


def samples(callers):
    """What perf recorded, one Sample at a time; blocks of lines, with a blank one between."""
    fields = "comm,ip,sym,dso"
    with subprocess.Popen(["perf", "script", "-i", DIR + "/perf.data", "-F", fields,
                           *([] if callers else ["-G"])], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as script:
        command, frames = "", []
        for line in script.stdout:
            frame = FRAME.search(line)
            if frame:
                frames.append((frame[1], frame[2].split("/")[-1]))
            head = line if not callers else line if line.strip() and not frame else ""
            if head:
                command = head.split("/")[0].split()[0]
            if frames and (not callers or not line.strip()):
                yield Sample(command, frames)
                frames = []


def profile(running, server, case, transport, orders):
    """Prints the top symbols; percent and instructions a request are of the server's share."""
    spec = CASES[case]
    few = spec.clients * spec.streams
    requests = cases.requests(case, transport, orders["factor"])
    run_client(server, case, transport, few * 2, running.process.pid)
    words = client_command(server, case, transport, requests)
    record(words, orders["callers"])
    every = list(samples(orders["callers"]))
    drop = {words[0].split("/")[-1], "swapper", "perf", "perf-exec"}
    # A number is a process before its exec: the client.
    kept = [sample for sample in every if sample.command not in drop and
            sample.command[0] != ":"]
    each = len(kept) * PERIOD / requests
    print(f"\n{server} {case} {transport}: {len(kept)} samples of the server's side, "
          f"{len(every)} in all; {each / 1e3:.1f} k instructions a request")
    report(kept, requests, orders["top"], orders["callers"])
    sys.stdout.flush()


def print_top(title, names, total, requests, top):
    print(f"\n   percent  a request  {title}")
    for name, n in collections.Counter(names).most_common(top):
        print(f"   {100 * n / total:6.2f}  {n * PERIOD / requests:10.0f}  {name}")


def chain(frames):
    """The names from the innermost out; neighbours that have none are one, named by object."""
    names = []
    for symbol, where in frames:
        name = where + ":?" if symbol == "[unknown]" else symbol
        if names[-1:] != [name]:
            names.append(name)
    return " < ".join(names[:DEPTH + 1])


def report(kept, requests, top, callers):
    total = len(kept) or 1
    print_top("command", (sample.command for sample in kept), total, requests, top)
    print_top("object", (sample.frames[0][1] for sample in kept), total, requests, top)
    print_top("symbol", ("  ".join(sample.frames[0]) for sample in kept), total, requests, top)
    if callers:
        print_top("symbol and its callers",
                  (chain(sample.frames) for sample in kept), total, requests, top * 2)
        print_top("anywhere on the stack",
                  (symbol for sample in kept for symbol in {frame[0] for frame in sample.frames}),
                  total, requests, top * 3)
