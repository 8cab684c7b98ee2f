#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Clients that others wrote: curl, nghttp, h2load, Node.js and python3-h2.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

peers=$interop/peers

# h2load ends with what became of its requests: all of N must have succeeded.
all_succeed() {
	local wanted=$1
	shift
	h2load "$@" > h2load.out 2>&1
	cat h2load.out
	grep -q "requests: $wanted total, $wanted started, $wanted done, $wanted succeeded, 0 failed, 0 errored, 0 timeout" \
		h2load.out && grep -q "status codes: $wanted 2xx" h2load.out
}

test_curl() {
	check curl_speaks_http2 eval \
		'[ "$(curl -sS --cacert cert.pem -o /dev/null -w "%{http_version}" "https://localhost:$port/hello.txt")" = 2 ]'
	check curl_without_h2_is_refused eval \
		'! curl -sS --http1.1 --cacert cert.pem -o /dev/null "https://localhost:$port/hello.txt"'
	check curl_20_parallel curl -sS --fail --parallel --cacert cert.pem -o /dev/null \
		"https://localhost:$port/tiles/[1-20]"
}

test_nghttp() {
	if ! have nghttp; then
		skip nghttp 'no nghttp'
		return
	fi
	check nghttp_gets eval \
		'nghttp "https://localhost:$port/16M" 2> nghttp.err | cmp - www/16M'
	check nghttp_padded eval \
		'nghttp -b 200 "https://localhost:$port/hello.txt" 2> nghttp.err | cmp - www/hello.txt'
	check nghttp_many eval \
		'[ "$(nghttp -n -s -m 50 "https://localhost:$port/hello.txt" 2> nghttp.err | grep -c " 200 ")" = 50 ]'
	check nghttp_small_windows eval \
		'nghttp -w 10 -W 10 "https://localhost:$port/1M" 2> nghttp.err | cmp - www/1M'
	check nghttp_no_table eval \
		'nghttp -c 0 -m 3 "https://localhost:$port/hello.txt" 2> nghttp.err | grep -c hello | grep -qx 3'
	check nghttp_trailers eval \
		'nghttp --trailer "x: y" -d www/hello.txt -nv "https://localhost:$port/hello.txt" 2>&1 | grep -q ":status: 405"'
}

test_h2load() {
	if ! have h2load; then
		skip h2load 'no h2load'
		return
	fi
	check h2load_100_connections_100_streams all_succeed 4000 \
		-n 4000 -c 100 -m 100 "https://localhost:$port/hello.txt"
	check h2load_2_connections_16K all_succeed 400 \
		-n 400 -c 2 -m 8 -w 24 -W 24 "https://localhost:$port/tiles/1"
	check h2load_1_stream_at_a_time all_succeed 200 -n 200 -c 1 -m 1 \
		"https://localhost:$port/hello.txt"
}

test_node() {
	if ! have node; then
		skip node 'no node'
		return
	fi
	check node_client timeout $((60 * slow)) node "$peers/client.js" "$PWD" \
		"https://localhost:$port"
}

test_python() {
	local python
	if ! python=$(python_h2); then
		skip python_h2 'no python3-h2'
		return
	fi
	check python_h2_client timeout $((60 * slow)) "$python" "$peers/client.py" "$PWD" \
		localhost "$port"
}

run() {
	start_kh2d --cert cert.pem --key key.pem --root www
	result $? starts
	test_curl
	test_nghttp
	test_h2load
	test_node
	test_python
	check still_serves curl -sS --fail --cacert cert.pem -o /dev/null \
		"https://localhost:$port/hello.txt"
	check stops stop_kh2d

	start_kh2d --root www
	result $? starts_clear
	if have h2load; then
		check h2load_clear_100_connections_100_streams all_succeed 4000 \
			-n 4000 -c 100 -m 100 "http://127.0.0.1:$port/hello.txt"
	fi
	check stops_clear stop_kh2d
}

make_certificate cert.pem key.pem
mkdir -p www/tiles
echo hello > www/hello.txt
head -c 16M /dev/urandom > www/16M
head -c 1M /dev/urandom > www/1M
for tile in {1..20}; do
	head -c 16K /dev/urandom > "www/tiles/$tile"
done
each_backend run
finish
