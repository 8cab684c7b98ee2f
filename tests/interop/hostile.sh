#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Broken and hostile peers: each ends with the RFC's code, and the next connection is served.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

# Passes the results of hostile.py on, under numbers and names of this test.
renumber() {
	local line rest
	while IFS= read -r line; do
		case $line in
		'ok '*|'not ok '*)
			rest=${line#not }
			rest=${rest#ok }
			: > command.out
			case $line in ok*) true ;; *) false ;; esac
			result $? "$1_${rest#* }"
			;;
		'#'*) echo "$line" ;;
		esac
	done
}

# peers NAME ARGUMENT...
peers() {
	local name=$1
	shift
	renumber "$name" < <(python3 "$interop/peer/hostile.py" --port "$port" "$@" 2>&1)
	check "${name}_server_survives" kill -0 "$kh2d_pid"
}

run() {
	start_kh2d --listen 127.0.0.1:0 --root www
	result $? starts_clear
	peers clear
	check stops_clear stop_kh2d
	start_kh2d --listen 127.0.0.1:0 --root www --cert cert.pem --key key.pem
	result $? starts_tls
	peers tls --tls
	check stops_tls stop_kh2d
}

mkdir www
echo hello > www/index.html
make_certificate cert.pem key.pem
each_backend run
finish
