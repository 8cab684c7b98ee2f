#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Uploads over a path of 50 ms are as fast as plain TCP, by default, and share it.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

peers=$interop/peers
ns=kh2-delay-$$
ours=kh2s$$
theirs=kh2c$$
sinks=()

# A pair of veth, the client's end in a namespace of its own. What the client sends takes 50 ms,
# at a rate for which the processor, though emulated, does not count.
make_path() {
	ip netns add "$ns" &&
		ip link add "$ours" type veth peer name "$theirs" netns "$ns" &&
		ip addr add 10.66.0.1/24 dev "$ours" && ip link set "$ours" up &&
		ip -n "$ns" addr add 10.66.0.2/24 dev "$theirs" &&
		ip -n "$ns" link set "$theirs" up &&
		tc -n "$ns" qdisc add dev "$theirs" root netem delay 50ms rate 24mbit limit 10000
}

end_path() {
	end_all
	ip netns del "$ns" 2> /dev/null
}
trap end_path EXIT

there() {
	ip netns exec "$ns" timeout $((60 * slow)) "$@"
}

# start_sink [CERT KEY]: of TCP, or of TLS
start_sink() {
	rm -f sink.port
	"$peers/tcp.py" sink 10.66.0.1 0 "$@" > sink.port &
	pids+=($!)
	wait_for 20 test -s sink.port && sinks+=("$(cat sink.port)")
}

# plain FILE URL...: milliseconds from the first octet that is sent to the last of the answer,
# without HTTP
plain() {
	case $2 in
	https:*) there "$peers/tcp.py" send 10.66.0.1 "${sinks[1]}" "$1" cert.pem ;;
	*) there "$peers/tcp.py" send 10.66.0.1 "${sinks[0]}" "$1" ;;
	esac
}

# upload FILE URL ARGUMENT...: the same for a request
upload() {
	rm -f answer
	there curl -sS --fail --cacert cert.pem -H 'expect:' --data-binary "@$1" "${@:2}" \
		-o answer -w '%{time_total} %{time_pretransfer}\n' |
		awk '{ printf "%d\n", ($1 - $2) * 1000 }'
	[ "$(cat answer)" = "$(stat -c %s "$1")" ] && return
	echo 'not all arrived' >&2
	return 1
}

# as_fast_as_tcp ARGUMENT...: at 90 % of the rate without HTTP, side by side. The machine may be
# busy: one of some tries has to show it.
as_fast_as_tcp() {
	local try tcp ours
	for try in 1 2 3 4; do
		tcp=$(plain long "$1") && ours=$(upload long "$@") || return 1
		echo "try $try: without HTTP $tcp ms, ours $ours ms"
		[ $((90 * ours)) -gt $((100 * tcp)) ] || return 0
	done
	return 1
}

# The path is one where windows matter: with one that does not grow, two thirds are not reached.
slow_without_tuning() {
	local try tcp ours
	for try in 1 2 3 4; do
		tcp=$(plain short "$1") && ours=$(upload short "$@") || return 1
		echo "try $try: without HTTP $tcp ms, ours $ours ms"
		[ $((2 * ours)) -le $((3 * tcp)) ] || return 0
	done
	return 1
}

# Four at once: the last ends soon after the first, and none has to wait for it.
side_by_side() {
	there h2load -n 4 -c 1 -m 4 -d short "http://10.66.0.1:$port/" > h2load.out 2>&1
	cat h2load.out
	grep -q '4 succeeded, 0 failed' h2load.out &&
		awk '/^time for request:/ {
			for (i = 4; i <= 5; i++)
				t[i] = $i ~ /ms$/ ? $i / 1000 : $i ~ /us$/ ? $i / 1e6 : $i + 0
			exit !(t[5] <= 2 * t[4])
		}' h2load.out
}

run() {
	start_kh2d --listen 10.66.0.1:0 --app "$kh2_bin/apps/discard.so"
	result $? starts
	check clear_is_as_fast_as_tcp as_fast_as_tcp "http://10.66.0.1:$port/" \
		--http2-prior-knowledge
	check uploads_share_the_path side_by_side
	check stops stop_kh2d

	start_kh2d --listen 10.66.0.1:0 --app "$kh2_bin/apps/discard.so" --cert cert.pem \
		--key key.pem
	result $? starts_tls
	check tls_is_as_fast_as_tcp as_fast_as_tcp "https://localhost:$port/" \
		--resolve "localhost:$port:10.66.0.1"
	check stops_tls stop_kh2d

	start_kh2d --listen 10.66.0.1:0 --app "$kh2_bin/apps/discard.so" --limit window_max=0
	result $? starts_without_tuning
	check windows_matter slow_without_tuning "http://10.66.0.1:$port/" --http2-prior-knowledge
	check stops_without_tuning stop_kh2d
}

make_certificate cert.pem key.pem
head -c 8M /dev/urandom > long
head -c 3M /dev/urandom > short
modprobe aesni_intel 2> /dev/null	# nothing else loads it, and without it kernel TLS is slow
check path_is_there make_path
check tcp_sink_is_there start_sink
check tls_sink_is_there start_sink cert.pem key.pem
each_backend run
finish
