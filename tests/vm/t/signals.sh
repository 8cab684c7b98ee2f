#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A measurement that a signal ends leaves neither its VM behind nor files.
set -um

tests=$(cd "$(dirname "$0")/../.." && pwd)

. "$(dirname "$0")/lib.sh"

explain() {
	cat "$dir/out"
	echo "status: $status, processes: $left"
	find "$dir/tmp" 2> /dev/null | sed 's/^/left: /'
}

# Those that the VM began: all name its directory.
processes() {
	grep -l "$dir/tm[p]" /proc/[0-9]*/cmdline 2> /dev/null | cut -d/ -f3
}

cat > "$dir/measure" <<'END'
import os, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1] + "/bench")
import boot
with tempfile.TemporaryDirectory(prefix="kh2-bench-") as share:
    with open(share + "/endless", "w") as file:
        file.write("#!/bin/sh\ntouch /mnt/share/up\nexec sleep 1000\n")
    os.chmod(share + "/endless", 0o755)
    os.chmod(share, 0o755)
    boot.run_guest(share, "endless", "--no-module")
END

# Starts one, in a process group of its own, and waits until there is what find finds. Who runs this
# in the background may have SIGINT ignored.
measure() {
	mkdir "$dir/tmp"
	TMPDIR=$dir/tmp env --default-signal=INT,TERM python3 "$dir/measure" "$tests" > "$dir/out" 2>&1 &
	pid=$!
	until [ "$(find "$dir/tmp" "$@" | wc -l)" -gt 0 ]; do
		kill -0 $pid || break
		sleep 0.1
	done
}

# Whether it ends with this status, and with all it began.
ends_with() {
	status=0
	wait $pid || status=$?
	left=$(processes | xargs -r ps -o pid,stat,args)
	[ $status = "$1" ] && [ -z "$left" ] && rmdir "$dir/tmp"
}

echo "TAP version 13"
echo "1..4"

status='' left=''
measure -name up
[ -n "$(processes)" ]
result $? vm_runs_meanwhile
kill -TERM $pid
ends_with 143
result $? signal_ends_the_vm_with_the_measurement

measure -name console.log
kill -INT -- -$pid
ends_with 130
result $? interrupt_of_all_ends_a_vm_that_boots

measure -name 'kh2-vm-*'
kill -TERM $pid
ends_with 143
result $? signal_ends_a_vm_that_is_about_to_start
