#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A file goes from the page cache to the socket: kh2d neither reads nor writes its octets.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

size=$((64 << 20))

# stat_of COUNTER
stat_of() {
	kh2 stats --json | python3 -c 'import json, sys
def find(v, name):
    if isinstance(v, dict):
        return v.get(name) if name in v else next(
            (r for r in (find(x, name) for x in v.values()) if r is not None), None)
print(find(json.load(sys.stdin), sys.argv[1]))' "$1"
}

# The largest result of a call that moves octets between kh2d and the kernel.
largest_transfer() {
	sed -nE 's/^.* (p?(read|write)v?|sendfile|splice|send(to|msg)|recv(from|msg))\(.* = ([0-9]+)$/\5/p' \
		trace.out | sort -n | tail -n 1
}

below() {
	echo "$1, not below $2" > command.out
	[ "${1:-0}" -lt "$2" ]
}

run() {
	local before tracer
	start_kh2d --root www --cert cert.pem --key key.pem
	result $? starts
	before=$(stat_of tx_spliced)
	begin strace -f -q -o trace.out -p "$kh2d_pid"
	tracer=$!
	wait_for 20 grep -q TracerPid:.*"$tracer" "/proc/$kh2d_pid/status"
	result $? is_traced
	curl --insecure --silent --http2 --noproxy '*' -o got "https://127.0.0.1:$port/large"
	check file_is_whole cmp got www/large
	kill -INT "$tracer"
	wait "$tracer"
	# a handshake and a log line are much smaller
	below "$(largest_transfer)" 16384
	result $? no_octets_of_the_file_pass_through_kh2d
	below $((size - size / 100)) $(($(stat_of tx_spliced) - before))
	result $? octets_are_counted_as_spliced
	check stops stop_kh2d
}

if ! command -v strace > /dev/null || [ ! -e /proc/modules ] || ! grep -q '^kh2 ' /proc/modules; then
	echo '1..0 # SKIP needs strace and kh2.ko'
	exit
fi
mkdir www
head -c "$size" /dev/urandom > www/large
make_certificate cert.pem key.pem
backend=kernel
run
finish
