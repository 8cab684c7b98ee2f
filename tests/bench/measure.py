# SPDX-License-Identifier: GPL-2.0
"""Runs a client against a server and takes the client's share from what the guest executed.

Under -icount a nanosecond of guest time is an instruction.  The server's share of a run is its wall
time less what the processor idled and less the client's exact run time.  A run of few requests is
subtracted from one of many, so that start, handshake and end are in neither.
"""

import collections
import os
import re
import subprocess
import time

import cases
from cases import CASES, CIPHER, SERVERS
from servers import DIR, HERE, PORT, Broken, page

Run = collections.namedtuple("Run", "wall client idle process")


def client_command(server, case, transport, requests):
    spec = CASES[case]
    tls = transport == "tls"
    if server.startswith("raw"):
        bodies, size = spec.streams, spec.size
        turns = max(requests // spec.streams, 1)
        if server == "raw-joined":
            bodies, size = 1, spec.size * spec.streams
        return [HERE + "/raw-get", "get", str(PORT), str(int(tls)), str(turns), str(bodies),
                str(size)]
    window = ["-w", str(spec.window), "-W", str(spec.window)] if spec.window else []
    return ["h2load", "-n", str(requests), "-c", str(spec.clients), "-m", str(spec.streams),
            *window, "--tls13-ciphers=" + CIPHER,
            f"http{'s' if tls else ''}://127.0.0.1:{PORT}/{page(case)}"]


def idle_ns():
    """What /proc/stat has only in units of 10 ms."""
    with open("/proc/timer_list", encoding="ascii") as file:
        return sum(map(int, re.findall(r"(?:idle|iowait)_sleeptime\s*: (\d+)", file.read())))


def process_ns(pid):
    """Run time of a process and its children, of all their threads."""
    total = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                total += sum(process_ns(int(child)) for child in file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total


def tls_stat():
    with open("/proc/net/tls_stat", encoding="ascii") as file:
        return dict((name, int(value)) for name, value in map(str.split, file))


def check_answers(case, requests, text):
    """That all requests were answered with the whole body: an error page is cheap."""
    done = re.search(r"requests: .* (\d+) succeeded", text)
    data = re.search(r"traffic: .* \((\d+)\) data", text)
    if not done or int(done[1]) != requests or \
            not data or int(data[1]) != requests * CASES[case].size:
        raise Broken("not all answers came: " + " ".join(text.split())[-300:])


def run_client(server, case, transport, requests, pid):
    """One client from start to end."""
    words = client_command(server, case, transport, requests)
    with open(DIR + "/client.log", "w+", encoding="utf-8", errors="replace") as log:
        process, idle, start = process_ns(pid), idle_ns(), time.monotonic_ns()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic_ns() - start
        run = Run(wall, int((usage.ru_utime + usage.ru_stime) * 1e9), idle_ns() - idle,
                  process_ns(pid) - process)
        log.seek(0)
        text = log.read()
    if child.returncode:
        raise Broken(f"client: {child.returncode}: " + " ".join(text.split())[-300:])
    if not server.startswith("raw"):
        check_answers(case, requests, text)
    return run


def measure(running, server, case, transport, factor):
    """One cell: instructions a request."""
    spec = CASES[case]
    few = spec.clients * spec.streams
    # What costs little is repeated more, or the guest's own work would show.
    many = cases.requests(case, transport, factor * (4 if server == "raw-joined" else 1))
    before = tls_stat()
    run_client(server, case, transport, min(few * 10, many // 4), running.process.pid)
    short = run_client(server, case, transport, few, running.process.pid)
    long = run_client(server, case, transport, many, running.process.pid)
    check_ktls(server, transport, before, tls_stat())
    each = Run(*((b - a) / (many - few) for a, b in zip(short, long)))
    return {"server": server, "case": case, "transport": transport, "requests": many,
            "instructions": each.wall - each.idle - each.client, "client": each.client,
            "idle": each.idle, "process": each.process}


def check_ktls(server, transport, before, after):
    """That records are sealed by whom the row names."""
    used = after["TlsTxSw"] > before["TlsTxSw"] or after["TlsTxDevice"] > before["TlsTxDevice"]
    if used != (SERVERS[server].ktls and transport == "tls"):
        raise Broken("kTLS is " + ("in use" if used else "not in use"))
