#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Uploads over a path of 50 ms are as fast as plain TCP, by default, and share it.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

peers=$interop/peers
ns=kh2-delay-$$
near=kh2s$$
far=kh2c$$

# A pair of veth, the client's end in a namespace of its own. What the client sends takes 50 ms,
# at a rate for which the processor, though emulated, does not count.
make_path() {
	ip netns add "$ns" &&
		ip link add "$near" type veth peer name "$far" netns "$ns" &&
		ip addr add 10.66.0.1/24 dev "$near" && ip link set "$near" up &&
		ip -n "$ns" addr add 10.66.0.2/24 dev "$far" &&
		ip -n "$ns" link set "$far" up &&
		tc -n "$ns" qdisc add dev "$far" root netem delay 50ms rate 24mbit limit 10000
}

end_path() {
	end_all
	ip netns del "$ns" 2> /dev/null
}
trap end_path EXIT

there() {
	ip netns exec "$ns" timeout $((60 * slow)) "$@"
}

start_sink() {
	rm -f sink.port
	"$peers/tcp.py" sink 10.66.0.1 0 > sink.port &
	pids+=($!)
	wait_for 20 test -s sink.port
}

# plain FILE: milliseconds from the first octet that is sent to the last of the answer, without
# HTTP and in the clear
plain() {
	there "$peers/tcp.py" send 10.66.0.1 "$(cat sink.port)" "$1"
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

# The machine may be busy, which makes a transfer longer and never shorter: the least time of
# some is the nearest to the path's own, and is what is compared. That of TCP is over all of its
# tries, ${tcp[FILE]}: one that was held up lowers no bar.
declare -A tcp

try_tcp() {
	local took
	took=$(plain "$1") || return 1
	tcp[$1]=$(lesser "$took" "${tcp[$1]:-}")
	echo "without HTTP $took ms; at best ${tcp[$1]} ms"
}

lesser() {
	echo $(($1 < ${2:-$1} ? $1 : ${2:-$1}))
}

measure_path() {
	local file
	for file in long long long short short short; do
		try_tcp $file || return 1
	done
}

# settle WHAT FILE URL ARGUMENT...: until WHAT holds of $ours and $theirs, in six tries; TCP has
# another between each two of ours.
settle() {
	local what=$1 file=$2 try took ours='' theirs
	shift
	for try in 1 2 3 4 5 6; do
		[ "$try" -eq 1 ] || try_tcp "$file" || return 1
		took=$(upload "$@") || return 1
		ours=$(lesser "$took" "$ours")
		theirs=${tcp[$file]}
		echo "ours $took ms; at best $ours ms"
		! "$what" || return 0
	done
	return 1
}

as_fast_as_tcp() {
	[ $((90 * ours)) -le $((100 * theirs)) ]
}

# With a window that does not grow two thirds are not reached.
slower_than_tcp() {
	[ $((2 * ours)) -gt $((3 * theirs)) ]
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
	check clear_is_as_fast_as_tcp settle as_fast_as_tcp long "http://10.66.0.1:$port/" \
		--http2-prior-knowledge
	check uploads_share_the_path side_by_side
	check stops stop_kh2d

	start_kh2d --listen 10.66.0.1:0 --app "$kh2_bin/apps/discard.so" --cert cert.pem \
		--key key.pem
	result $? starts_tls
	check tls_is_as_fast_as_tcp settle as_fast_as_tcp long "https://localhost:$port/" \
		--resolve "localhost:$port:10.66.0.1"
	check stops_tls stop_kh2d

	start_kh2d --listen 10.66.0.1:0 --app "$kh2_bin/apps/discard.so" --limit window_max=0
	result $? starts_without_tuning
	check windows_matter settle slower_than_tcp short "http://10.66.0.1:$port/" \
		--http2-prior-knowledge
	check stops_without_tuning stop_kh2d
}

make_certificate cert.pem key.pem
head -c 8M /dev/urandom > long
head -c 1536K /dev/urandom > short
modprobe aesni_intel 2> /dev/null	# nothing else loads it, and without it kernel TLS is slow
check path_is_there make_path
check tcp_sink_is_there start_sink
check path_is_measured measure_path
each_backend run
finish
