# SPDX-License-Identifier: GPL-2.0
"""What measurements on this side of the guest share: their programs built, one boot, results."""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VM = os.path.join(TOP, "tests", "vm")
PAGE = os.path.join(TOP, "Documentation", "benchmarks.rst")

sys.path.insert(0, VM)
import child  # noqa: E402


def must(*words, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, check=False, text=True, **more)
    if done.returncode:
        raise SystemExit(done.returncode)
    return (done.stdout or "").strip()


def in_root(share, *words, **more):
    return must(os.path.join(VM, "enter"), "--bind", share + ":/mnt/share", "--chdir",
                "/mnt/share", "--", *words, **more)


def build(kernel):
    must(os.path.join(VM, "build"), "--kernel", kernel)


def prepare(share, orders, *programs):
    """Fills the directory that the guest sees: our scripts, programs in C, what to do."""
    for name in os.listdir(HERE):
        if os.path.isfile(os.path.join(HERE, name)):
            shutil.copy(os.path.join(HERE, name), share)
    with open(os.path.join(share, "orders"), "w", encoding="utf-8") as file:
        json.dump(orders, file)
    os.chmod(share, 0o755)
    for program in programs:
        in_root(share, "cc", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", program,
                program + ".c", "-lssl", "-lcrypto")


def run_guest(share, script, *options):
    """Boots the VM with a script of ours as its command; its status and the lines it wrote."""
    done = child.run([os.path.join(VM, "vm"), *options, "--share", share, "--",
                      "/mnt/share/" + script, "/mnt/share/orders", "/mnt/share/results"],
                     stdin=subprocess.DEVNULL)
    try:
        with open(os.path.join(share, "results"), encoding="utf-8") as file:
            return done.returncode, [json.loads(line) for line in file]
    except FileNotFoundError:
        return done.returncode or 1, []


def commit():
    """The commit that was measured, and whether more than this page differs from it."""
    name = must("git", "-C", TOP, "rev-parse", "--short", "HEAD", stdout=subprocess.PIPE)
    changed = must("git", "-C", TOP, "status", "--porcelain", "--", "kmod", "daemon", "uapi",
                   stdout=subprocess.PIPE)
    return name + (", with changes" if changed else "")
