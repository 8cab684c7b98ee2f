#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Either side is killed or stopped during transfers: nothing stays, nothing is lost that need not be.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

# Only the module keeps what outlives a process.
check_no_session() {
	if [ "$backend" = kernel ]; then
		check "$1" wait_for 20 no_sessions
	fi
}

size_of() {
	stat -c %s "$1" 2> /dev/null || echo 0
}

more_than() {
	[ "$(size_of "$1")" -gt "$2" ]
}

start_server() {
	if [ "$1" = tls ]; then
		start_kh2d --cert cert.pem --key key.pem --root www
		url=https://localhost:$port
		curl=(curl -sS --cacert cert.pem)
	else
		start_kh2d --root www
		url=http://127.0.0.1:$port
		curl=(curl -sS --http2-prior-knowledge)
	fi
}

download() {
	rm -f got
	begin "${curl[@]}" --limit-rate "$1" -o got "$url/64M"
	client=$!
	wait_for 20 more_than got 100000
}

test_server_killed() {
	start_server "$1"
	result $? "$1_server_to_kill_starts"
	download 8M
	result $? "$1_download_before_kill"
	kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	wait "$client"
	check "$1_client_sees_the_end" [ $? != 0 ]
	check_no_session "$1_no_session_of_the_killed"
}

test_client_killed() {
	start_server "$1"
	result $? "$1_server_of_killed_client_starts"
	download 8M
	result $? "$1_download_before_client_kill"
	kill -KILL "$client"
	wait "$client" 2> /dev/null
	check_no_session "$1_no_session_of_killed_client"
	check "$1_others_are_served" "${curl[@]}" --fail -o /dev/null "$url/small"
	check "$1_stops_after_client_kill" stop_kh2d
}

# Stopped for a while, either side goes on where it was.
test_stopped() {
	start_server "$1"
	result $? "$1_server_to_stop_starts"
	download 32M
	kill -STOP "$kh2d_pid"
	check "$1_server_is_stopped" wait_for 10 is_stopped "$kh2d_pid"
	kill -CONT "$kh2d_pid"
	wait "$client"
	is "$1_client_goes_on_after_server" $? 0
	check "$1_octets_after_stopped_server" cmp got www/64M

	download 32M
	kill -STOP "$client"
	check "$1_client_is_stopped" wait_for 10 is_stopped "$client"
	check "$1_others_are_served_then" "${curl[@]}" --fail -o /dev/null "$url/small"
	kill -CONT "$client"
	wait "$client"
	is "$1_stopped_client_goes_on" $? 0
	check "$1_octets_after_stopped_client" cmp got www/64M
	check "$1_stops_at_last" stop_kh2d
	check_no_session "$1_no_session_at_last"
}

is_stopped() {
	[ "$(ps -o stat= -p "$1" | cut -c1)" = T ]
}

# A server that is stopped and killed while its clients wait.
test_stopped_and_killed() {
	start_server "$1"
	result $? "$1_server_to_stop_and_kill_starts"
	download 8M
	kill -STOP "$kh2d_pid"
	wait_for 10 is_stopped "$kh2d_pid"
	kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	wait "$client"
	check "$1_client_of_stopped_sees_the_end" [ $? != 0 ]
	check_no_session "$1_no_session_of_stopped_and_killed"
}

# crowd: a thousand connections, each with a download that waits for its window
crowd() {
	: > crowd.out
	begin python3 "$interop/peers/crowd.py" 127.0.0.1 "$port" 1000 /64M > crowd.out 2> crowd.err
	client=$!
	wait_for 60 grep -q ready crowd.out
}

test_crowd() {
	ulimit -n 8192
	start_server clear
	result $? crowded_server_starts
	crowd
	result $? thousand_connections_are_served
	kill -KILL "$client"
	wait "$client" 2> /dev/null
	check_no_session no_session_of_a_thousand_killed_clients
	check others_are_served_after_the_crowd "${curl[@]}" --fail -o /dev/null "$url/small"
	crowd
	result $? thousand_connections_are_served_again
	kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	check_no_session no_session_of_the_killed_server_of_a_thousand
	kill -KILL "$client" 2> /dev/null
	wait "$client" 2> /dev/null
}

run() {
	local how
	for how in tls clear; do
		test_server_killed "$how"
		test_client_killed "$how"
		test_stopped "$how"
		test_stopped_and_killed "$how"
	done
	test_crowd
	check_nothing_left
}

unloads() {
	rmmod kh2
}

make_certificate cert.pem key.pem
mkdir www
head -c 64M /dev/urandom > www/64M
echo small > www/small
each_backend run
if [ -n "${KH2_MODULE:-}" ]; then
	check module_unloads wait_for 20 unloads
	check module_loads_again insmod "$KH2_MODULE"
fi
finish
