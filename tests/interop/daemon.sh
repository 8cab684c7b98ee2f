#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kh2d as a daemon: what it refuses and with which status, signals, privileges, several workers.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

# refuses NAME STATUS WORDS ARGUMENT...: one line on stderr, with these words, and that status.
refuses() {
	local name=$1 wanted=$2 words=$3 status
	shift 3
	timeout $((20 * slow)) kh2d "$@" > out 2> err
	status=$?
	cat err > command.out
	[ $status = "$wanted" ] && [ "$(wc -l < err)" = 1 ] && grep -q -- "$words" err && ! [ -s out ]
	result $? "refuses_$name"
}

test_options() {
	local -a serve=(serve --listen 127.0.0.1:0)
	refuses no_command 2 'command is needed'
	refuses unknown_command 2 'no such command' bake
	refuses unknown_option 2 'no such option' serve --bake
	refuses missing_value 2 'needs a value' serve --listen
	refuses no_listen 2 'listen' serve --root www
	refuses nothing_to_serve 2 'root' "${serve[@]}"
	refuses root_and_app 2 'exclude each other' "${serve[@]}" --root www --app x.so
	refuses bad_listen 2 'ADDR:PORT' serve --listen 8443 --root www
	refuses bad_port 2 '65535' serve --listen 127.0.0.1:70000 --root www
	refuses naked_ipv6 2 'ADDR' serve --listen ::1:80 --root www
	refuses bad_backend 2 'auto, kernel, user' "${serve[@]}" --root www --backend x
	refuses bad_limit_name 2 'limit' "${serve[@]}" --root www --limit x=1
	refuses bad_limit_value 2 'number' "${serve[@]}" --root www --limit streams=0
	refuses bad_header 2 'header' "${serve[@]}" --root www --header 'connection: close'
	refuses own_header 2 'itself' "${serve[@]}" --root www --header 'Content-Length: 1'
	refuses key_without_cert 2 'cert' "${serve[@]}" --root www --key key.pem
	refuses http1 2 'HTTP/2 only' "${serve[@]}" --root www --allow-http1
	refuses unknown_user 2 'no user' "${serve[@]}" --root www --user no-such-user-here
	refuses missing_cert 3 'nothing.pem' "${serve[@]}" --root www --cert nothing.pem --key key.pem
	refuses missing_key 3 'nothing.pem' "${serve[@]}" --root www --cert cert.pem --key nothing.pem
	refuses bad_cert 3 '--cert www/file: no certificate' "${serve[@]}" --root www \
		--cert www/file --key key.pem
	refuses bad_key 3 '--key cert.pem: no private key' "${serve[@]}" --root www --cert cert.pem \
		--key cert.pem
	refuses cert_without_key 3 '--cert cert.pem: no private key' "${serve[@]}" --root www \
		--cert cert.pem
	refuses foreign_key 3 '--key key2.pem: .*does not belong' "${serve[@]}" --root www \
		--cert cert.pem --key key2.pem
	refuses encrypted_key 3 '--key locked.pem: .*encrypted' "${serve[@]}" --root www \
		--cert cert.pem --key locked.pem
	refuses missing_root 3 'nowhere' "${serve[@]}" --root nowhere
	refuses root_that_is_a_file 3 'directory' "${serve[@]}" --root www/file
	refuses missing_app 3 'nothing.so' "${serve[@]}" --app nothing.so
	refuses app_that_is_none 3 'app' "${serve[@]}" --app "$kh2_bin/libkh2.so"
	refuses foreign_address 4 '192.0.2.1' serve --listen 192.0.2.1:0 --root www
	refuses bad_log 3 'access-log' "${serve[@]}" --root www --access-log nowhere/log
	refuses log_that_nobody_reads 3 'access-log' "${serve[@]}" --root www --access-log fifo
	check help_is_given eval 'kh2d --help | grep -q "^usage:"'
	check version_is_given eval 'kh2d --version | grep -Eq "^kh2d [0-9]+\.[0-9]+\.[0-9]+$"'
	check limits_are_listed eval 'kh2d serve --limit help | grep -q "^reset_burst "'
}

test_port_in_use() {
	backend=user
	start_kh2d --root www
	refuses port_in_use 4 'in use' serve --workers 2 --listen "127.0.0.1:$port" --root www
	check stops_then stop_kh2d
	backend=''
}

test_module_absent() {
	if [ -d /sys/module/kh2 ]; then
		[ -n "${KH2_MODULE:-}" ] || return
		check module_is_removed wait_for 20 rmmod kh2
	fi
	refuses absent_module 5 'module' serve --listen 127.0.0.1:0 --root www --backend kernel
	backend=auto
	start_kh2d --root www
	result $? serves_without_module
	check says_backend_user grep -q 'backend user' kh2d.err
	check stops_without_module stop_kh2d
	backend=''
	[ -z "${KH2_MODULE:-}" ] || insmod "$KH2_MODULE"
}

# common_name PORT: of the certificate that is shown.
common_name() {
	openssl s_client -connect "127.0.0.1:$1" -alpn h2 < /dev/null 2> /dev/null |
		openssl x509 -noout -subject | sed 's/.*CN *= *//'
}

test_reload() {
	cp cert.pem live.pem
	cp key.pem live-key.pem
	chmod 600 live-key.pem
	rm -f log log.1
	start_kh2d --cert live.pem --key live-key.pem --root www --access-log log
	result $? starts_for_reload
	is certificate_is_shown "$(common_name "$port")" localhost
	curl -sS --cacert cert.pem -o /dev/null "https://localhost:$port/file"

	cp cert2.pem live.pem
	cp key2.pem live-key.pem
	mv log log.1
	kill -HUP "$kh2d_pid"
	check reload_is_told wait_for 10 grep -q 'live.pem is in use' kh2d.err
	is new_certificate_is_shown "$(common_name "$port")" second.example
	curl -sSk -o /dev/null "https://localhost:$port/file?second"
	check log_is_reopened wait_for 5 grep -q second log
	check old_log_is_left eval '! grep -q second log.1'

	echo garbage > live.pem
	kill -HUP "$kh2d_pid"
	check bad_certificate_is_told wait_for 10 \
		grep -q 'live.pem: no certificate.*old certificate stays' kh2d.err
	is old_certificate_stays "$(common_name "$port")" second.example
	rm live.pem
	kill -HUP "$kh2d_pid"
	check missing_certificate_is_told wait_for 10 \
		grep -q 'live.pem: No such file.*old certificate stays' kh2d.err
	is certificate_stays_without_file "$(common_name "$port")" second.example
	check stops_after_reload stop_kh2d
}

receiving() {
	[ "$(stat -c %s got 2> /dev/null || echo 0)" -gt 100000 ]
}

# A download that is under way ends whole; a new connection is refused meanwhile.
test_graceful() {
	local client
	rm -f got
	start_kh2d --cert cert.pem --key key.pem --root www
	result $? starts_for_stop
	begin curl -sS --cacert cert.pem --limit-rate 4M -o got "https://localhost:$port/16M"
	client=$!
	check download_begins wait_for 20 receiving
	kill -TERM "$kh2d_pid"
	check listening_ends wait_for 10 refused
	wait "$client"
	is download_ends_well $? 0
	check download_is_whole cmp got www/16M
	wait "$kh2d_pid"
	is stop_has_status_0 $? 0
	is stop_cuts_nothing "$(grep -c 'are cut' kh2d.err)" 0
}

refused() {
	! curl -sk --max-time 5 -o /dev/null "https://localhost:$port/file"
}

# What takes longer than --stop-timeout is cut, and so is what a second signal finds.
test_stop_timeout() {
	local client begun
	rm -f got
	start_kh2d --root www --stop-timeout 300
	result $? starts_for_timeout
	begin curl -sS --http2-prior-knowledge --limit-rate 4M -o got "http://127.0.0.1:$port/64M"
	client=$!
	wait_for 20 receiving
	begun=$SECONDS
	kill -TERM "$kh2d_pid"
	wait "$kh2d_pid"
	is timeout_has_status_0 $? 0
	check timeout_is_kept [ $((SECONDS - begun)) -lt $((8 * slow)) ]
	check cut_is_told grep -q 'are cut' kh2d.err
	wait "$client"
	check cut_is_seen [ $? != 0 ]

	rm -f got
	start_kh2d --root www --stop-timeout 600000
	begin curl -sS --http2-prior-knowledge --limit-rate 200k -o got "http://127.0.0.1:$port/16M"
	wait_for 20 receiving
	kill -TERM "$kh2d_pid"
	wait_for 10 refused
	kill -TERM "$kh2d_pid"
	check second_signal_ends wait_for 10 ended "$kh2d_pid"
	wait "$kh2d_pid"
	is second_signal_has_status_0 $? 0
}

# Half of a ClientHello, and nothing more: prints how long that was waited for, in seconds
half_a_handshake() {
	python3 -c 'import socket, sys, time
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
sock.sendall(bytes.fromhex("16030102000100"))
begun = time.monotonic()
sock.recv(1)
print(int(time.monotonic() - begun))' "$port"
}

test_handshake_timeout() {
	start_kh2d --root www --cert cert.pem --key key.pem --handshake-timeout 300
	result $? starts_for_handshakes
	check handshake_timeout_is_kept eval '[ "$(half_a_handshake)" -lt 9 ]'
	check stops_behind_handshakes stop_kh2d
}

status_field() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$kh2d_pid/status"
}

test_privileges() {
	local uid task
	if [ "$(id -u)" != 0 ]; then
		skip privileges 'needs root'
		return
	fi
	uid=$(id -u nobody)
	chmod 600 key.pem
	start_kh2d --cert cert.pem --key key.pem --root www
	result $? starts_as_root
	is all_uids_are_dropped "$(status_field Uid | tr '\t' ' ')" "$uid $uid $uid $uid"
	is groups_are_dropped "$(status_field Groups | tr -d ' ')" ''
	is no_capability_is_left "$(status_field CapEff)$(status_field CapPrm)" \
		00000000000000000000000000000000
	is no_new_privs_is_set "$(status_field NoNewPrivs)" 1
	is every_thread_is_dropped "$(for task in "/proc/$kh2d_pid/task"/*; do
		sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "$task/status"
	done | sort -u)" "$uid"
	check serves_then curl -sS --fail --cacert cert.pem -o /dev/null "https://localhost:$port/file"
	check stops_dropped stop_kh2d
	mkdir -p private
	chmod 700 private
	refuses root_the_user_cannot_read 6 'accessible' serve --listen 127.0.0.1:0 --root private
	check low_port_as_root start_kh2d --listen 127.0.0.1:86 --root www
	check stops_low_port stop_kh2d
	if have setpriv; then
		refuses_as_nobody low_port_as_nobody 6 'denied' --listen 127.0.0.1:86
		refuses_as_nobody other_user_as_nobody 6 'only root' --listen 127.0.0.1:0 --user daemon
	fi
}

refuses_as_nobody() {
	local name=$1 wanted=$2 words=$3 floor
	shift 3
	floor=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start
	setpriv --reuid nobody --clear-groups --inh-caps=-all kh2d serve --root /tmp "$@" > out 2> err
	is "refuses_$name" "$? $(wc -l < err) $(grep -c -- "$words" err)" "$wanted 1 1"
	echo "$floor" > /proc/sys/net/ipv4/ip_unprivileged_port_start
}

test_notify() {
	have python3 || return
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
import os
os.chmod("notify", 0o777)
print("bound", flush=True)
while True:
    word = s.recv(100).decode()
    print(word, flush=True)
    if word.startswith("STOPPING"):
        break' > states &
	pids+=($!)
	wait_for 10 grep -q bound states
	NOTIFY_SOCKET=$PWD/notify start_kh2d --root www
	check ready_is_notified wait_for 10 grep -q READY=1 states
	check stops_notified stop_kh2d
	check stopping_is_notified wait_for 10 grep -q STOPPING=1 states
}

run() {
	# Certificates are no business of the backend.
	! first_backend || test_reload
	test_graceful
	test_stop_timeout
	test_handshake_timeout
	test_privileges
}

chmod 755 .
mkdir www
echo file > www/file
head -c 16M /dev/urandom > www/16M
truncate -s 64M www/64M
make_certificate cert.pem key.pem
make_certificate cert2.pem key2.pem second.example
openssl pkey -in key.pem -aes128 -passout pass:secret -out locked.pem
mkfifo fifo
test_options
test_port_in_use
test_module_absent
each_backend run
backend=user
test_notify
backend=''
finish
