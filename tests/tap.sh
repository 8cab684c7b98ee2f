# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# TAP for tests in shell, of bash and of sh: results with their numbers, and what explains a failure.

results=0
failures=0
backend=''	# where a test is run for several: which, for the names

# explain: what stands behind a failure; a test puts its own in this place.
explain() {
	:
}

# result STATUS NAME
result() {
	results=$((results + 1))
	if [ "$1" = 0 ]; then
		echo "ok $results ${backend:+${backend}_}$2"
	else
		failures=$((failures + 1))
		echo "not ok $results ${backend:+${backend}_}$2"
		explain 2>&1 | sed 's/^/# /'
	fi
}

# skip NAME WHY
skip() {
	results=$((results + 1))
	echo "ok $results ${backend:+${backend}_}$1 # SKIP $2"
}

# finish: the plan, where none came first, and the status
finish() {
	echo "1..$results"
	exit $((failures > 0))
}
