#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module is taken away while it is used: refused as long as it is, done as soon as it is not.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

space=kh2-removal-$$

loaded() {
	[ -d /sys/module/kh2 ]
}

# "in use" is what rmmod says; anything else is a fault.
refused() {
	if rmmod kh2 2> rmmod.err; then
		echo 'it was removed'
		return 1
	fi
	grep -q 'in use' rmmod.err && return
	cat rmmod.err
	return 1
}

removed() {
	rmmod kh2
}

fetch() {
	curl -sS --fail --max-time $((60 * slow)) --cacert cert.pem "$@"
}

more_than() {
	[ "$(stat -c %s got 2> /dev/null || echo 0)" -gt "$1" ]
}

test_busy() {
	local client
	start_kh2d --root www --cert cert.pem --key key.pem
	result $? busy_starts
	check removal_is_refused_while_a_channel_is_open refused
	begin fetch --limit-rate 4M -o got "https://localhost:$port/16M"
	client=$!
	wait_for 20 more_than 100000
	check removal_is_refused_amid_a_download refused
	wait "$client"
	is download_goes_on $? 0
	check download_is_whole cmp got www/16M
	check busy_stops stop_kh2d
	check removal_is_done_afterwards wait_for 20 removed
	insmod "$KH2_MODULE"
}

# The waits are no conditions: they spread the attempts over what kh2d does, which starts while the
# module is absent, is there, or is in use; enough_attempts is the condition.
# attempts: removes the module whenever that succeeds, and loads it again
attempts() {
	trap 'loaded || insmod "$KH2_MODULE"; exit' TERM
	while :; do
		if rmmod kh2 2> /dev/null; then
			echo removed >> attempts.out
			sleep 0.1
			insmod "$KH2_MODULE"
			sleep 0.3
		else
			echo refused >> attempts.out
			sleep 0.02
		fi
	done
}

# Each has happened three times.
enough_attempts() {
	[ "$(grep -c refused attempts.out)" -ge 3 ] && [ "$(grep -c removed attempts.out)" -ge 3 ]
}

# Sessions come and go, by attach, close and kill, while somebody tries to remove the module.
test_race() {
	local attempts_pid end=$((SECONDS + 60 * slow)) rounds=0 served=0
	: > attempts.out
	begin attempts
	attempts_pid=$!
	backend=auto
	while [ $rounds -lt 4 ] || ! enough_attempts && [ $SECONDS -lt $end ]; do
		rounds=$((rounds + 1))
		start_kh2d --root www --cert cert.pem --key key.pem || break
		fetch -o got "https://localhost:$port/small" && served=$((served + 1))
		if [ $((rounds % 2)) = 0 ]; then
			kill -KILL "$kh2d_pid"
		else
			kill -TERM "$kh2d_pid"
		fi
		wait "$kh2d_pid" 2> /dev/null
	done
	backend=kernel
	is each_starts_and_serves "$served" "$rounds"
	check removal_was_refused_and_done enough_attempts
	kill -TERM "$attempts_pid"
	wait "$attempts_pid"
	check module_is_loaded_after_the_race loaded
}

sessions_there() {
	ip netns exec "$space" kh2 --json session list |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

# The name of a namespace goes; what lives in it stays until its last process has ended.
test_namespace() {
	local client
	ip netns add "$space" && ip -n "$space" link set lo up
	result $? namespace_is_made
	begin ip netns exec "$space" kh2d serve --backend kernel --listen 127.0.0.1:9443 --root www \
		--cert cert.pem --key key.pem
	kh2d_pid=$!
	begin ip netns exec "$space" bash -c "curl -sS --fail --retry 50 --retry-connrefused \
		--retry-delay 1 --cacert cert.pem --limit-rate 4M -o got.ns https://localhost:9443/16M"
	client=$!
	wait_for 30 test -s got.ns
	is session_is_in_the_namespace "$(sessions_there)" 1
	is and_in_no_other "$(kh2 --json session list)" '[]'
	ip netns del "$space"
	wait "$client"
	is download_outlives_the_name $? 0
	check namespace_download_is_whole cmp got.ns www/16M
	kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	check module_is_free_of_the_namespace wait_for 20 removed
	insmod "$KH2_MODULE"
}

if [ -z "${KH2_MODULE:-}" ] || ! loaded; then
	echo '1..0 # SKIP needs kh2.ko'
	exit
fi
mkdir www
chmod 755 .
head -c 16M /dev/urandom > www/16M
echo small > www/small
make_certificate cert.pem key.pem
backend=kernel
test_busy
test_race
test_namespace
check_nothing_left
finish
