# SPDX-License-Identifier: GPL-2.0
"""The kernels that the VM may boot, and what each needs."""

import collections
import os

# slow: how many times a limit that suits the base kernel; mem: MiB; words: of its command line
Kernel = collections.namedtuple("Kernel", "slow mem words")

KERNELS = {
    "base": Kernel(1, 2048, ""),
    "backports": Kernel(1, 2048, ""),
    # Without KVM it takes 14 times as long.  The first report is the one that counts: what comes
    # after it may be of its making.
    "debug": Kernel(15, 3072, "panic_on_warn=1"),
}


def slow(name):
    """By what limits are multiplied; KH2_SLOW comes first."""
    return int(os.environ.get("KH2_SLOW") or KERNELS[name].slow)
