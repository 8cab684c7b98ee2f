# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # what tests use is set here
# For tests of kh2d and kh2: TAP, a certificate, kh2d on a free port, waiting, cleaning up by pid.
#
# A test sources this in an empty directory of its own. What it says of kh2d is said for each
# backend: each_backend FUNCTION runs FUNCTION with $backend set, to $KH2_BACKEND if that is set,
# else to user, and to kernel where kh2.ko is or should be.  The debug kernel, which is slow, is for
# what kh2.ko does: there it is kernel alone.
set -u

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kh2_bin=${KH2_BIN:-$(dirname "$(command -v kh2d)")}
pids=()
ports=()
slow=${KH2_SLOW:-1}
umask 022
. "$interop/../tap.sh"

# ---- TAP ----

explain() {
	if [ -s command.out ]; then
		head -c 2000 command.out | tr -c '[:print:]\n' '?'
		echo
	fi
}

# check NAME COMMAND...: the command succeeds.
check() {
	local name=$1
	shift
	"$@" > command.out 2>&1
	result $? "$name"
}

# is NAME GOT WANTED
is() {
	printf 'got:    %s\nwanted: %s\n' "$2" "$3" > command.out
	[ "$2" = "$3" ]
	result $? "$1"
}

# ---- waiting ----

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time has passed.
wait_for() {
	local end=$((SECONDS + $1 * slow))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

gone() {
	! kill -0 "$1" 2> /dev/null
}

# ended PID: it has ended, also where it is still to be waited for.
ended() {
	local state
	state=$(ps -o stat= -p "$1") || return 0
	case $state in
	Z*) return 0 ;;
	*) return 1 ;;
	esac
}

# ---- cleaning up ----

# begin COMMAND...: in the background, ended at the latest with the test; $! is its pid.
begin() {
	"$@" &
	pids+=($!)
}

end_all() {
	local pid
	for pid in "${pids[@]}"; do
		kill -CONT "$pid" 2> /dev/null
		kill -KILL "$pid" 2> /dev/null
	done
}
trap end_all EXIT

# ---- kh2d ----

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/CN=${3:-localhost}" \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 \
		-keyout "$2" -out "$1" 2> /dev/null
}

listening() {
	[ "$(grep -c '^kh2d: listening on' kh2d.err)" -ge "$1" ] || ended "$kh2d_pid"
}

# start_kh2d [--listen…] ARGUMENT...: sets kh2d_pid, and port from its first listening line.
# Without --listen it is a free port of 127.0.0.1; on a slow kernel all is as patient as it is slow.
start_kh2d() {
	local patience=$((10000 * slow))
	local -a patient=(--handshake-timeout "$patience" --stop-timeout "$patience"
		--limit "preface_ms=$patience" --limit "settings_ack_ms=$patience"
		--limit "stall_ms=$((6 * patience))" --limit "body_ms=$((6 * patience))")
	local -a listen=(--listen 127.0.0.1:0)
	local wanted=1
	case " $* " in
	*' --listen '*)
		listen=()
		wanted=$(printf '%s\n' "$@" | grep -cx -e --listen)
		;;
	esac
	: > kh2d.err
	kh2d serve --backend "$backend" --workers 2 "${patient[@]}" "${listen[@]}" "$@" \
		> kh2d.out 2> kh2d.err &
	kh2d_pid=$!
	pids+=("$kh2d_pid")
	if ! wait_for 20 listening "$wanted" || ended "$kh2d_pid"; then
		sed 's/^/# /' kh2d.err
		port=1
		return 1
	fi
	port=$(port_of 1)
	mapfile -t -O "${#ports[@]}" ports < <(port_of 1,99)
}

# start_in GROUP ARGUMENT...: kh2d as the only member of a control group; ours is home_group.
start_in() {
	local group=$1 status
	shift
	echo $$ > "$group/cgroup.procs"
	start_kh2d "$@"
	status=$?
	echo $$ > "$home_group/cgroup.procs"
	return $status
}

# make_group GROUP CONTROLLER: and finds home_group
make_group() {
	home_group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	[ -w "$home_group/cgroup.procs" ] &&
		echo "+$2" > /sys/fs/cgroup/cgroup.subtree_control && mkdir "$1"
}

# port_of N: of the Nth listening line; of several, as sed numbers lines.
port_of() {
	sed -n 's/^kh2d: listening on .*:\([0-9]*\) (.*/\1/p' kh2d.err | sed -n "$1p"
}

# stop_kh2d: gracefully; its exit status.
stop_kh2d() {
	kill -TERM "$kh2d_pid" 2> /dev/null
	wait_for 20 ended "$kh2d_pid" || kill -KILL "$kh2d_pid"
	wait "$kh2d_pid" && return
	tail -n 50 kh2d.err
	return 1
}

# ---- what is left ----

# Of kh2.ko, in our network namespace
sessions() {
	kh2 --json session list | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

no_sessions() {
	[ "$(sessions)" = 0 ]
}

sessions_left() {
	no_sessions || { echo sessions: && kh2 session list 2>&1; }
}

# Sockets of our servers, but those that only wait for late packets
sockets_left() {
	local filter
	filter=$(printf ' or sport = :%s' "${ports[@]}")
	ss --no-header --tcp --all --numeric "( ${filter# or } )" 2>&1 | grep -v TIME-WAIT
}

# Channels, their sources, and plain sockets that were sessions hold the module.
users_left() {
	cat /sys/module/kh2/refcnt 2>&1 | grep -vx 0
}

# KiB: kh2.ko has no slab caches of its own, so it is those of all the kernel.
slab_kib() {
	sed -n 's/^SUnreclaim: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

slab_left() {
	local more=$(($(slab_kib) - slab_before))
	[ $more -lt 8192 ] || echo "$more KiB more than at the beginning"
}

slab_before=$(slab_kib)

# none COMMAND: until it prints nothing; what it printed at last. Linux keeps an orphan in FIN-WAIT-2
# for a minute.
none() {
	local end=$((SECONDS + 75 * slow)) left
	while left=$("$1") && [ -n "$left" ]; do
		[ $SECONDS -lt $end ] || { echo "$left"; return 1; }
		sleep 0.1
	done
}

# Behind the last kh2d of a test, for whatever went wrong before. On the debug kernel KASAN keeps
# what was freed, and kmemleak looks for what was not.
check_nothing_left() {
	check no_socket_is_left none sockets_left
	[ "$backend" = kernel ] || return 0
	check no_session_is_left none sessions_left
	check module_is_not_in_use none users_left
	[ "${KH2_KERNEL:-}" = debug ] || check memory_is_given_back none slab_left
}

has_module() {
	[ -n "${KH2_MODULE:-}" ] || [ -d /sys/module/kh2 ]
}

# What is not the backend's business is asked of the first.
first_backend() {
	[ "$backend" = "${backends%% *}" ]
}

each_backend() {
	local backends=user		# first_backend looks at it
	if has_module && [ "${KH2_KERNEL:-}" = debug ] && [ -z "${KH2_BACKEND:-}" ]; then
		backends=kernel
		echo '# the debug kernel: not with the user backend'
	elif has_module; then
		backends='user kernel'
	fi
	backends=${KH2_BACKEND:-$backends}
	for backend in $backends; do
		"$@"
	done
	backend=''
}

# Peers that this machine lacks skip their tests; in the VM all are there.
have() {
	command -v "$1" > /dev/null
}

# The python3 that has the h2 package.
python_h2() {
	local python
	for python in /usr/bin/python3 python3; do
		if "$python" -c 'import h2' 2> /dev/null; then
			echo "$python"
			return
		fi
	done
	return 1
}
