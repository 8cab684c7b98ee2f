#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Flow control holds: a reader that stops costs bounded memory, and goes on later without loss.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

run_peer() {
	timeout $((100 * slow)) "$python" "$interop/peers/windows.py" "$@" "$PWD" 127.0.0.1 "$port" "$kh2d_pid"
}

run() {
	start_kh2d --root www
	result $? starts_files
	check reader_that_stops_is_waited_for run_peer stopped-reader
	check shut_stream_does_not_hold_others run_peer shut-stream
	check window_of_one_octet run_peer tiny-window
	check stops_files stop_kh2d
	start_kh2d --app "$kh2_bin/apps/echo.so"
	result $? starts_echo
	check unread_echo_shuts_the_window run_peer unread-echo
	check unread_stream_does_not_hold_another run_peer unread-stream
	check stops_echo stop_kh2d
}

if ! python=$(python_h2); then
	echo '1..0 # SKIP no python3-h2'
	exit
fi
mkdir www
head -c 24M /dev/urandom > www/24M
head -c 300 /dev/urandom > www/300
echo small > www/small
each_backend run
finish
