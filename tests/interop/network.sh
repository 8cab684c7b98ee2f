#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Networks that lose, delay, reorder and double packets, and segments of one octet: octets arrive.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

# A loopback of our own: what it does to packets is nobody else's trouble.
if [ -z "${KH2_OWN_NETWORK:-}" ]; then
	KH2_OWN_NETWORK=1 exec unshare --net "$0"
fi

conditions=(
	'loss delay 2ms loss 3%'
	'reordering delay 4ms 3ms reorder 50% 25%'
	'duplication delay 1ms duplicate 20%'
	'all_of_it delay 3ms 2ms loss 2% duplicate 5% reorder 80% 25%'
)

# Packets as on Ethernet, each by itself: else most of a transfer is lost or doubled as one.
prepare_network() {
	ip link set lo up mtu 1500
	ethtool -K lo tso off gso off gro off > /dev/null 2>&1
}

has_netem() {
	tc qdisc replace dev lo root netem limit 5000 > /dev/null 2>&1
}

# impair WORD...: sets what netem is to do
impair() {
	tc qdisc replace dev lo root netem limit 5000 "$@"
}

# Packets that netem has lost, by its own count.
dropped() {
	tc -s qdisc show dev lo | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p'
}

fetch() {
	curl -sS --fail --max-time $((100 * slow)) "${tls[@]}" "$@"
}

downloads() {
	local i
	rm -f got.*
	fetch --parallel -o got.1 "$url_files/2M" -o got.2 "$url_files/2M" -o got.3 "$url_files/2M" ||
		return
	for i in 1 2 3; do
		cmp "got.$i" in/2M || return
	done
}

uploads() {
	fetch -H 'expect:' --data-binary @in/2M "$url_echo/" | cmp - in/2M
}

start_both() {
	start_kh2d --root in "$@" || return
	url_files=$scheme://localhost:$port files_pid=$kh2d_pid
	start_kh2d --app "$kh2_bin/apps/echo.so" "$@" || return
	url_echo=$scheme://localhost:$port echo_pid=$kh2d_pid
}

stop_both() {
	kh2d_pid=$files_pid
	stop_kh2d || return
	kh2d_pid=$echo_pid
	stop_kh2d
}

run_conditions() {
	local condition name
	local -a words
	for condition in "${conditions[@]}"; do
		name=${condition%% *}
		# The sockets are the same; all at once is enough to see that another reads them.
		[ "$backend" = kernel ] || [ "$name" = all_of_it ] || continue
		read -r -a words <<< "${condition#* }"
		impair "${words[@]}"
		check "${how}_${name}_downloads" downloads
		check "${how}_${name}_uploads" uploads
		case $name in
		loss) check "${how}_packets_were_lost" [ "$(dropped)" -gt 0 ] ;;
		esac
	done
	impair
}

# begin_relay MODE: in front of the echo server
begin_relay() {
	: > relay.out
	begin python3 "$interop/peers/relay.py" 127.0.0.1 "${url_echo##*:}" "$1" > relay.out
	relay_pid=$!
	wait_for 20 test -s relay.out
}

small_echo() {
	fetch -H 'expect:' --data-binary @in/small "$scheme://localhost:$(cat relay.out)/" |
		cmp - in/small
}

run_over() {
	how=$1
	shift
	start_both "$@"
	result $? "${how}_starts"
	[ -z "$netem" ] || run_conditions
	begin_relay bytes
	check "${how}_segments_of_one_octet" small_echo
	kill "$relay_pid"
	check "${how}_stops" stop_both
}

run() {
	scheme=http tls=(--http2-prior-knowledge)
	run_over clear
	scheme=https tls=(--cacert cert.pem)
	run_over tls --cert cert.pem --key key.pem
	check_nothing_left
}

prepare_network
netem=
if has_netem; then
	netem=1
else
	skip netem 'the kernel has no netem (CONFIG_NET_SCH_NETEM)'
fi
make_certificate cert.pem key.pem
mkdir in
head -c 2M /dev/urandom > in/2M
head -c 20000 /dev/urandom > in/small
each_backend run
finish
