#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TLS that goes wrong after the handshake, and what comes with the handshake's last flight.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

fault() {
	timeout $((60 * slow)) "$python" "$interop/peers/tlsfaults.py" "$1" localhost "${2:-$port}"
}

# counter NAME: of the module, 0 for the user backend
counter() {
	[ "$backend" = kernel ] || { echo 0; return; }
	kh2 --json stats | python3 -c 'import json, sys
print(json.load(sys.stdin)["counters"].get(sys.argv[1], 0))' "$1"
}

only_healthy() {
	[ "$(sessions)" = 1 ]
}

counted() {
	[ "$(counter "$1")" -gt "$2" ]
}

# ends NAME COUNTER COMMAND...: the command succeeds, the module counts why, its session goes.
ends() {
	local name=$1 reason=$2 before
	shift 2
	before=$(counter "$reason")
	check "$name" "$@"
	[ "$backend" = kernel ] || return
	check "${name}_is_counted_as_$reason" wait_for 20 counted "$reason" "$before"
	check "${name}_leaves_no_session" wait_for 20 only_healthy
}

# relayed CASE MODE NUMBER
relayed() {
	local case=$1 relay_pid status
	shift
	: > relay.out
	begin python3 "$interop/peers/relay.py" 127.0.0.1 "$port" "$@" > relay.out
	relay_pid=$!
	wait_for 20 test -s relay.out && fault "$case" "$(cat relay.out)"
	status=$?
	kill "$relay_pid"
	return $status
}

# OpenSSL's client sends KeyUpdate when told "K".
key_update() {
	: > s_client.out
	timeout $((15 * slow)) openssl s_client -connect "127.0.0.1:$port" -alpn h2 \
		> s_client.out 2>&1 < <(
			# it has what it says of the handshake behind it
			wait_for 10 grep -q '^Verify return code' s_client.out
			echo K
			exec sleep $((20 * slow))
		)
	[ $? != 124 ] && grep -q 'KEYUPDATE' s_client.out
}

test_endings() {
	ends flipped_bit_ends_the_session tls_record relayed flipped flip 4
	ends end_without_close_notify_is_no_end_of_an_upload conn_transport relayed truncated cut 4
	ends reset_amid_an_upload_ends_the_session conn_transport relayed truncated reset 4
	ends alert_ends_the_session tls_alert fault alert
	ends close_notify_amid_an_upload_ends_the_session conn_transport \
		fault close-notify-amid-upload
	# Only the module cannot follow.
	[ "$backend" = user ] || ends key_update_ends_the_session tls_key_update key_update
	check close_notify_is_answered fault close-notify-when-idle
}

# Half a ClientHello, and nothing more
begin_slow_handshake() {
	: > handshake.out
	begin python3 -c 'import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(bytes.fromhex("16030102000100"))
sock.settimeout(60 * float(sys.argv[2]))
print("answered" if sock.recv(1) else "ended")' "$port" "$slow" > handshake.out
}

test_early() {
	local case
	for case in one-record-early several-records-early part-of-a-record-early \
		head-of-a-record-early octet-by-octet; do
		check "$case" fault "$case"
	done
}

run() {
	start_kh2d --app "$kh2_bin/apps/echo.so" --cert cert.pem --key key.pem
	result $? echo_starts
	local echo_port=$port echo_pid=$kh2d_pid
	start_kh2d --root www --cert cert.pem --key key.pem
	result $? files_start
	local files_pid=$kh2d_pid
	begin "$python" "$interop/peers/healthy.py" localhost "$port" www/1M "$PWD/cert.pem" \
		> healthy.out 2>&1
	local healthy_pid=$!
	wait_for 60 grep -q begun healthy.out
	result $? healthy_begins
	port=$echo_port
	begin_slow_handshake
	test_endings
	test_early
	check handshake_that_is_never_finished_is_ended wait_for 60 grep -qx ended handshake.out
	kill -TERM "$healthy_pid"
	wait "$healthy_pid"
	is healthy_noticed_nothing $? 0
	kh2d_pid=$echo_pid
	check echo_stops stop_kh2d
	kh2d_pid=$files_pid
	check files_stop stop_kh2d
	check_nothing_left
}

if ! python=$(python_h2); then
	echo '1..0 # SKIP no python3-h2'
	exit
fi
chmod 755 .
mkdir www
head -c 1M /dev/urandom > www/1M
make_certificate cert.pem key.pem
each_backend run
finish
