# SPDX-License-Identifier: GPL-2.0
"""Finds the kernel's reports of trouble in a console log."""

import re

TROUBLE = re.compile(
    r"""\bWARNING:\s|\bBUG\b[: ]|\bOops\b|\bKASAN\b:|\bKCSAN\b:|\bUBSAN\b:|Kernel\ panic
    |\bINFO:\ (task|possible|suspicious|rcu|trying|inconsistent)
    |rcu:\ INFO:.*(stall|detected)|rcu.*self-detected\ stall|blocked\ for\ more\ than
    |possible\ (circular|recursive|irq)|suspicious\ RCU\ usage|inconsistent\ lock\ state
    |held\ lock|bad\ unlock\ balance|DEBUG_LOCKS_WARN_ON|sleeping\ function\ called
    |scheduling\ while\ atomic|kmemleak:.*suspected|unreferenced\ object|refcount_t:
    |general\ protection|invalid\ opcode|unable\ to\ handle|list_(add|del)\ corruption
    |ODEBUG:|ref_tracker:|unregister_netdevice:\ waiting|Bad\ page\ (state|map)|soft\ lockup|hard\ LOCKUP|Objects\ remaining|slab\ error
    |cut\ here""", re.VERBOSE)

# Said by healthy kernels; each with its reason.
HARMLESS = re.compile(
    r"""Command\ line:|Kernel\ command\ line:      # echoes what we passed
    |KASAN:\ init|KernelAddressSanitizer\ initialized""", re.VERBOSE)

MARK = re.compile(r"kh2-test: (begin|end) (\S+)")


def find(log):
    """Returns a list of (test running at the time or None, text of the report)."""
    reports, test, lines = [], None, log.splitlines()
    end_of_last = -1
    for number, line in enumerate(lines):
        mark = MARK.search(line)
        if mark:
            test = mark[2] if mark[1] == "begin" else None
        elif TROUBLE.search(line) and not HARMLESS.search(line):
            if number <= end_of_last:
                continue
            end_of_last = number + 60
            text = []
            for shown in lines[number:end_of_last]:
                text.append(shown)
                if "---[ end trace" in shown or MARK.search(shown):
                    break
            end_of_last = number + len(text) - 1
            reports.append((test, "\n".join(text)))
    return reports
