#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The scanner finds each kind of kernel report, names the test, and leaves healthy logs alone."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import splat  # noqa: E402

BAD = """WARNING: CPU: 1 PID: 77 at net/core/dev.c:1 f+0x1/0x2
WARNING: possible circular locking dependency detected
BUG: kernel NULL pointer dereference, address: 0000000000000000
BUG kmalloc-64 (Tainted: G    B     OE): Right Redzone overwritten
Oops: Oops: 0000 [#1] PREEMPT SMP
BUG: KASAN: slab-use-after-free in f+0x1/0x2 [kh2]
UBSAN: array-index-out-of-bounds in kmod/rx.c:1
rcu: INFO: rcu_preempt self-detected stall on CPU
INFO: task kworker/0:1:10 blocked for more than 120 seconds.
kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
unreferenced object 0xffff888003c5d000 (size 64):
refcount_t: underflow; use-after-free.
Oops: general protection fault, probably for non-canonical address
Kernel panic - not syncing: Fatal exception
watchdog: BUG: soft lockup - CPU#0 stuck for 22s!
WARNING: suspicious RCU usage
ODEBUG: free active (active state 0) object: ffff888003c5d000 object type: timer_list
ref_tracker: net notrefcnt@ffff888003c5d000 has 1/1 users at f+0x1/0x2
unregister_netdevice: waiting for veth0 to become free. Usage count = 2
kmemleak: unreferenced object 0xffff888003c5d000 (size 64):""".splitlines()

GOOD = """Linux version 6.12 (debian) #1 SMP PREEMPT_DYNAMIC Debian
kh2: loading out-of-tree module taints kernel.
kh2: module verification failed: signature and/or required key missing - tainting kernel
Kernel command line: console=ttyS0 oops=panic panic=-1
rcu: Hierarchical RCU implementation.
kasan: KernelAddressSanitizer initialized (generic)
kmemleak: Kernel memory leak detector initialized (mem pool available: 15000)
FAULT_INJECTION: forcing a failure.
name failslab, interval 1, probability 100, space 0, times 1
debug: allocator is verbose""".splitlines()

print("TAP version 13")
print(f"1..{len(BAD) + 2}")
for number, line in enumerate(BAD, 1):
    print(f"{'' if splat.find('[    1.000000] ' + line) else 'not '}ok {number} found: "
          + line.replace("#", ""))
print(f"{'not ' if splat.find(chr(10).join(GOOD)) else ''}ok {len(BAD) + 1} healthy_log_is_clean")
FOUND = splat.find("kh2-test: begin a\nkh2-test: end a\nkh2-test: begin b\n" + BAD[0] + "\nx\n"
                   "---[ end trace 0000000000000000 ]---\nkh2-test: end b\n" + BAD[2])
RIGHT = [test for test, _ in FOUND] == ["b", None]
print(f"{'' if RIGHT else 'not '}ok {len(BAD) + 2} report_names_the_test_that_ran")
