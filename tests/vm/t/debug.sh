#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel reports what faulty.ko does wrong, and the harness fails the run for it.
set -u

. "$(dirname "$0")/lib.sh"

# reported NAME PATTERN: the VM ended for its kernel's reports, and this is among them.
reported() {
	[ $status = 123 ] && grep -qE "$2" "$dir/err"
	result $? "$1"
}

# boot FAULT...: one boot, which would end with the first, in which all are done one after the other.
boot() {
	"$vm" --kernel debug --no-module --share "$dir" --log "$dir/log" -- sh -ec "
		cat /proc/sys/kernel/panic_on_warn > /mnt/share/panics
		echo 0 > /proc/sys/kernel/panic_on_warn
		for fault in $*; do
			insmod /mnt/share/faulty.ko fault=\$fault index=7
			rmmod faulty
		done" 2> "$dir/err"
	status=$?
}

echo "TAP version 13"
echo "1..9"
version=$("$here/../rootfs" --kernel debug | cut -f2)
cp "$here"/faulty/* "$dir"
"$here/../enter" --bind "$dir:/kh2" -- make -s -C "/lib/modules/$version/build" M=/kh2 modules

# lockdep ends with its first report, and with the first report that memory is not as it should be.
boot sleep-in-atomic rcu-without-lock inversion leak free-armed-timer shift use-after-free \
	out-of-bounds
reported sleep_in_atomic_is_reported 'sleeping function called from invalid context'
reported rcu_without_lock_is_reported 'suspicious RCU usage'
reported lock_inversion_is_reported 'possible circular locking dependency'
reported leak_is_reported 'unreferenced object'
reported free_armed_timer_is_reported 'ODEBUG: free active'
reported impossible_shift_is_reported 'UBSAN: shift-out-of-bounds'
reported use_after_free_is_reported 'KASAN: slab-use-after-free'
reported out_of_bounds_is_reported 'UBSAN: array-index-out-of-bounds'
[ "$(cat "$dir/panics")" = 1 ]
result $? first_report_would_stop_the_kernel
echo "# status $status"
[ $failures = 0 ] || sed 's/^/# /' "$dir/err"
