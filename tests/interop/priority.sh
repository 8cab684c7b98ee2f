#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Answers come in the order that the client asks for, by RFC 9218 or by dependencies.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

run() {
	local case
	start_kh2d --root www
	result $? starts
	for case in urgency incremental not_incremental no_signal update weights dependencies both; do
		check "order_by_$case" timeout $((60 * slow)) \
			"$python" "$interop/peers/priority.py" "$case" 127.0.0.1 "$port"
	done
	check stops stop_kh2d
}

if ! python=$(python_h2); then
	echo '1..0 # SKIP no python3-h2'
	exit
fi
mkdir www
head -c 4M /dev/urandom > www/4M
each_backend run
finish
