#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# kh2.ko loads and unloads again and again, and says what it is.
set -u

. "$(dirname "$0")/../tap.sh"

loaded() {
	[ -d /sys/module/kh2 ]
}

loads_and_unloads_20_times() {
	times=0
	while [ $times -lt 20 ]; do
		rmmod kh2 && ! loaded && insmod "$KH2_MODULE" && loaded || return 1
		times=$((times + 1))
	done
}

echo "TAP version 13"
echo "1..4"
loaded
result $? module_is_loaded_when_a_command_starts
loads_and_unloads_20_times
result $? module_loads_and_unloads_20_times
[ "$(modinfo -F license "$KH2_MODULE")" = GPL ]
result $? modinfo_says_license
modinfo -F version "$KH2_MODULE" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+'
result $? modinfo_says_version
loaded || insmod "$KH2_MODULE"
