# SPDX-License-Identifier: GPL-2.0
# For tests of the harness: TAP, the VM, and a directory that goes with the test.
# shellcheck shell=bash disable=SC2034 # what tests use is set here

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=${KH2_VM:-$here/../vm}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0

# result STATUS NAME: behind a failure stands what the test's explain prints.
result() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count $2"
	else
		echo "not ok $count $2"
		explain > "$dir/explained" 2>&1
		sed 's/^/# /' "$dir/explained"
	fi
}
