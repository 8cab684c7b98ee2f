#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What kh2d has the kernel hold is charged to its control group, whose limit hurts nobody else.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

group=/sys/fs/cgroup/kh2-memcg-$$

only_healthy() {
	[ "$(sessions)" = 1 ]
}

# field FILE NAME: of the group
field() {
	sed -n "s/^$2 //p" "$group/$1"
}

# Octets of kernel memory that are charged, sockets' included
charged() {
	echo $(($(field memory.stat kernel) + $(field memory.stat sock)))
}

charged_less() {
	[ "$(charged)" -lt "$1" ]
}

# Likewise, with what CPUs have in stock. On Linux 7.3 memory.stat does not always tell of all
# that is charged for slabs, memory.current does.
held() {
	echo $(($(cat "$group/memory.current") - $(field memory.stat anon) -
		$(field memory.stat file)))
}

holds_more() {
	[ "$(held)" -gt "$1" ]
}

holds_less() {
	[ "$(held)" -lt "$1" ]
}

start_unlimited() {
	echo max > "$group/memory.max"
	start_in "$group" "$@"
}

# limit OCTETS: so much more than is used now
limit() {
	echo $(($(cat "$group/memory.current") + $1)) > "$group/memory.max"
}

crowd() {
	: > crowd.out
	begin python3 "$interop/peers/crowd.py" 127.0.0.1 "$port" "$1" /1M > crowd.out 2> crowd.err
	client=$!
}

end_client() {
	kill -KILL "$client" 2> /dev/null
	wait "$client" 2> /dev/null
}

reached_limit() {
	[ "$(field memory.events max)" -gt "$1" ]
}

kills() {
	field memory.events oom_kill
}

# A page of counters for each CPU may stay until the kernel looks at it again.
leaves_nothing() {
	check "$1_no_session_is_left" wait_for 20 only_healthy
	echo 0 > "$group/memory.reclaim" 2> /dev/null
	check "$1_no_charge_is_left" wait_for 30 charged_less 300000
}

test_charged() {
	local before charged_before
	start_unlimited --root www
	result $? charged_starts
	before=$(held)
	charged_before=$(charged)
	crowd 400
	check charged_crowd_is_served wait_for 60 grep -q ready crowd.out
	# the kernel adds up what each CPU charged now and then
	check sessions_are_charged wait_for 20 holds_more $((before + 400 * 3000))
	end_client
	check sessions_that_go_are_uncharged wait_for 30 charged_less $((charged_before + 300000))
	check sessions_that_go_are_held_no_more wait_for 30 holds_less $((before + 1000000))
	kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	leaves_nothing charged
}

# Killed for want of memory amid many connections.
test_killed() {
	local before
	start_unlimited --root www
	result $? killed_starts
	before=$(kills)
	limit $((1 << 20))
	crowd 2000
	check limit_kills wait_for 120 ended "$kh2d_pid"
	wait "$kh2d_pid" 2> /dev/null
	is killed_by_the_kernel $? 137
	check kill_is_counted [ "$(kills)" -gt "$before" ]
	end_client
	leaves_nothing killed
}

# Nobody may be killed: memory is just not there, for as long as others hold it.
test_denied() {
	local before i
	start_unlimited --app "$kh2_bin/apps/echo.so" --workers 1
	result $? denied_starts
	echo -1000 > "/proc/$kh2d_pid/oom_score_adj"
	before=$(field memory.events max)
	limit $((1 << 20))
	for i in 1 2 3; do
		begin h2load -c 60 -m 20 -n 100000 -d www/64K "http://127.0.0.1:$port/" \
			> "load.$i" 2>&1
	done
	check limit_denies wait_for 60 reached_limit "$before"
	# again and again, and not only to the first that asked
	check limit_denies_on wait_for 60 reached_limit $((before + 200))
	for i in 1 2 3; do
		kill -KILL "${pids[-$i]}"
		wait "${pids[-$i]}" 2> /dev/null
	done
	# Until then kh2d may not get as far as to take events, and what it does not take waits.
	echo max > "$group/memory.max"
	check sessions_of_the_denied_go wait_for 60 only_healthy
	check serves_when_memory_is_there curl -sS --fail --http2-prior-knowledge -o got \
		--max-time $((30 * slow)) --data-binary @www/64K -H expect: "http://127.0.0.1:$port/"
	check serves_whole_then cmp got www/64K
	check denied_stops stop_kh2d
	leaves_nothing denied
}

run() {
	local healthy_pid healthy_kh2d
	start_kh2d --root www --cert cert.pem --key key.pem
	result $? healthy_starts
	healthy_kh2d=$kh2d_pid
	begin "$python" "$interop/peers/healthy.py" localhost "$port" www/1M "$PWD/cert.pem" \
		> healthy.out 2>&1
	healthy_pid=$!
	wait_for 60 grep -q begun healthy.out
	result $? healthy_begins
	test_charged
	test_killed
	test_denied
	kill -TERM "$healthy_pid"
	wait "$healthy_pid"
	is healthy_noticed_nothing $? 0
	kh2d_pid=$healthy_kh2d
	check healthy_stops stop_kh2d
	check_nothing_left
}

if ! python=$(python_h2) || ! has_module || ! make_group "$group" memory 2> group.err ||
	[ ! -e "$group/memory.max" ]; then
	echo '1..0 # SKIP needs python3-h2, kh2.ko and the memory controller of cgroup v2'
	exit
fi
ulimit -n 8192
mkdir www
chmod 755 .
head -c 1M /dev/urandom > www/1M
head -c 64K /dev/urandom > www/64K
make_certificate cert.pem key.pem
backend=kernel
run
rmdir "$group"
finish
