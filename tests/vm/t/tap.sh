#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test runner counts what programs say, and what they fail to say.
set -u

. "$(dirname "$0")/lib.sh"

runner=$here/../../tap-run

explain() {
	cat "$dir/results" "$dir/out"
}

# case_of NAME SCRIPT RESULT...: runs SCRIPT as a test and compares the results recorded.
case_of() {
	local name=$1 script=$2
	shift 2
	printf '#!/bin/sh\n%s\n' "$script" > "$dir/program"
	chmod +x "$dir/program"
	rm -f "$dir/results"
	printf 'x\t%s\n' "$dir/program" |
		"$runner" --results "$dir/results" --timeouts "$dir/timeouts" > "$dir/out"
	[ "$(sed -n 's/.*"case": "\(.*\)", "result": "\(.*\)", .*/\1=\2/p' "$dir/results")" \
		= "$(printf '%s\n' "$@")" ]
	result $? "$name"
}

echo 'x 1' > "$dir/timeouts"
echo "TAP version 13"
echo "1..10"
case_of passes 'echo 1..1; echo ok 1 - a' a=pass
case_of failure_is_counted 'echo 1..2; echo ok 1 a; echo not ok 2 b; exit 1' a=pass b=fail
case_of skip_is_counted 'echo 1..2; echo "ok 1 a # SKIP why"; echo ok 2 b' a=skip b=pass
case_of skip_of_all_is_counted 'echo "1..0 # SKIP nothing here"; exit 4' all=skip
case_of missing_plan_fails 'echo ok 1 a' a=pass plan=fail
case_of short_plan_fails 'echo 1..2; echo ok 1 a' a=pass plan=fail
case_of silence_fails 'exit 0' plan=fail
case_of crash_fails 'echo 1..1; echo ok 1 a; kill -SEGV $$' a=pass exit=fail
case_of bad_status_fails 'echo 1..1; echo ok 1 a; exit 3' a=pass exit=fail
case_of hang_fails 'echo 1..2; echo ok 1 a; exec sleep 1000' a=pass limit=fail
