#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Calls of kh2.ko that take memory fail, every second, fifth, 23rd or 307th, whoever runs it:
# kh2d, workers, softirq. What is answered is whole; afterwards all is as before.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

faults=/sys/module/kh2_fault/parameters

load_faults() {
	"$interop/../selftests/fault/load"
}

unload_faults() {
	rmmod kh2_fault
}

# begin_faults INTERVAL
begin_faults() {
	echo "$1" > $faults/every
}

end_faults() {
	echo 0 > $faults/every
}

fetch() {
	curl -sS --max-time $((10 * slow)) "${tls[@]}" "$@"
}

# one NUMBER: a download and an upload, which may fail but not lie; says so if they were whole.
one() {
	local got=got.$1
	if fetch --fail -o "$got" "$files/1M" 2> /dev/null; then
		cmp "$got" www/1M || return
		echo whole >> whole
	fi
	if fetch --fail -H 'expect:' -o "$got" --data-binary @www/100K "$echo/" 2> /dev/null; then
		cmp "$got" www/100K || return
		echo whole >> whole
	fi
	return 0
}

under_faults() {
	local interval=$1 i status=0
	local -a clients=()
	begin_faults "$interval"
	for ((i = 0; i < 6; i++)); do
		one "$i" &
		clients+=($!)
	done
	for i in "${clients[@]}"; do
		wait "$i" || status=1
	done
	end_faults
	return $status
}

whole() {
	fetch --fail -o got "$files/1M" && cmp got www/1M &&
		fetch --fail -H 'expect:' -o got --data-binary @www/100K "$echo/" && cmp got www/100K
}

run_over() {
	local how=$1 interval files_pid
	shift
	start_kh2d --root www "$@"
	result $? "${how}_files_start"
	files=$scheme://localhost:$port files_pid=$kh2d_pid
	start_kh2d --app "$kh2_bin/apps/echo.so" "$@"
	result $? "${how}_echo_starts"
	echo=$scheme://localhost:$port
	for interval in 2 5 23 307; do
		check "${how}_one_of_${interval}_fails" under_faults "$interval"
		check "${how}_then_all_is_served_after_${interval}" whole
		check "${how}_no_session_stays_after_${interval}" wait_for 30 no_sessions
	done
	check "${how}_something_was_served_amid_faults" test -s whole
	echo "# $(cat $faults/failed) faults"
	check "${how}_something_failed" [ "$(cat $faults/failed)" -gt 10 ]
	echo 0 > $faults/failed
	check "${how}_echo_stops" stop_kh2d
	kh2d_pid=$files_pid
	check "${how}_files_stop" stop_kh2d
}

if ! has_module; then
	echo '1..0 # SKIP needs kh2.ko'
	exit
fi
load_faults
result $? faults_are_prepared
trap 'end_faults; end_all' EXIT
mkdir www
chmod 755 .
head -c 1M /dev/urandom > www/1M
head -c 100K /dev/urandom > www/100K
make_certificate cert.pem key.pem
backend=kernel
: > whole
scheme=http tls=(--http2-prior-knowledge)
run_over clear
: > whole
scheme=https tls=(--cacert cert.pem)
run_over tls --cert cert.pem --key key.pem
backend=''
check faults_are_put_away unload_faults
trap end_all EXIT
backend=kernel
check_nothing_left
finish
