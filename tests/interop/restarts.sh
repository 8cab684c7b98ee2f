#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Daemons killed, stopped and restarted at random under load, and what remains of them: nothing.
#
# KH2_KILLS=1000 is how often, KH2_SEED the beginning of chance. Without it 20 seconds have to do.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

files_port=9441
echo_port=9442
ports=("$files_port" "$echo_port")

kills() {
	timeout $((3000 * slow)) "$python" "$interop/peers/restarts.py" "${KH2_KILLS:-0}" \
		"$((${KH2_KILLS:-0} ? 0 : 20))" "${KH2_SEED:-$RANDOM}" \
		"$files_port $PWD/cert.pem $PWD/www/256K kh2d serve --backend $backend --workers 2 \
			--listen 127.0.0.1:$files_port --root www --cert cert.pem --key key.pem \
			--stop-timeout 200" \
		"$echo_port clear echo kh2d serve --backend $backend --workers 2 \
			--listen 127.0.0.1:$echo_port --app $kh2_bin/apps/echo.so --stop-timeout 200" \
		> kills.out 2>&1
	local status=$?
	sed 's/^/# /' kills.out
	return $status
}

run() {
	local healthy_pid
	start_kh2d --root www --cert cert.pem --key key.pem
	result $? starts
	begin "$python" "$interop/peers/healthy.py" localhost "$port" www/256K "$PWD/cert.pem" \
		> healthy.out 2>&1
	healthy_pid=$!
	wait_for 60 grep -q begun healthy.out
	result $? healthy_begins
	kills
	result $? killed_servers_leave_nothing_half_done
	kill -TERM "$healthy_pid"
	wait "$healthy_pid"
	is healthy_noticed_nothing $? 0
	check stops stop_kh2d
	check_nothing_left
}

if ! python=$(python_h2) || ! has_module; then
	echo '1..0 # SKIP needs python3-h2 and kh2.ko'
	exit
fi
mkdir www
chmod 755 .
head -c 256K /dev/urandom > www/256K
make_certificate cert.pem key.pem
backend=kernel
run
finish
