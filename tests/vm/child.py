# SPDX-License-Identifier: GPL-2.0
"""Runs a program that ends in order when it is told to, as the VM does."""

import signal
import subprocess

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(words, **more):
    """Runs a program to its end.  subprocess.run() would kill it at an interrupt, and leave it behind
    at other signals; here they are passed on, and end us once it has ended.
    """
    came, child = [], None

    def pass_on(number, _frame):
        came.append(number)
        if child:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in ENDING
              if signal.getsignal(number) != signal.SIG_IGN}
    try:
        child = subprocess.Popen(words, **more)
        for number in came:
            child.send_signal(number)
        child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise SystemExit(128 + came[0])
    return child
