#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Uploads of every size to applications: echoed octet for octet, counted exactly.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

sizes='0 1 16383 16384 16385 65536 1048577 16M'

send() {
	curl -sS --fail --max-time $((120 * slow)) --cacert cert.pem -H 'expect:' "$@"
}

echoes() {
	local file=$1
	shift
	send --data-binary "@$file" "$@" | cmp - "$file"
}

counted() {
	local file=$1
	shift
	[ "$(send --data-binary "@$file" "$@")" = "$(stat -c %s "$file")" ]
}

run_app() {
	local name=$1 app=$2 what=$3 size
	start_kh2d --listen 127.0.0.1:0 --app "$kh2_bin/apps/$app.so" \
		--cert cert.pem --key key.pem
	result $? "${name}_starts_tls"
	for size in $sizes; do
		check "${name}_tls13_$size" "$what" "in/$size" "https://localhost:$port/" --tlsv1.3
	done
	check "${name}_tls12_16M" "$what" in/16M "https://localhost:$port/" --tls-max 1.2
	check "${name}_stops_tls" stop_kh2d

	start_kh2d --app "$kh2_bin/apps/$app.so"
	result $? "${name}_starts_clear"
	for size in $sizes; do
		check "${name}_clear_$size" "$what" "in/$size" "http://127.0.0.1:$port/" \
			--http2-prior-knowledge
	done
	check "${name}_stops_clear" stop_kh2d
}

# The length is not known beforehand: no content-length, many DATA frames.
# shellcheck disable=SC2094 # both read
from_pipe() {
	send -T - "http://127.0.0.1:$port/" --http2-prior-knowledge < in/1048577 | cmp - in/1048577
}

run_more() {
	start_kh2d --app "$kh2_bin/apps/echo.so"
	result $? more_starts
	check upload_without_length from_pipe
	check upload_is_no_file_of_ours eval \
		'[ "$(send --http2-prior-knowledge "http://127.0.0.1:$port/")" = "" ]'
	check more_stops stop_kh2d
}

run_slow() {
	local limit=$((4 * slow))

	start_kh2d --app "$kh2_bin/apps/discard.so" --limit "body_ms=${limit}000"
	result $? slow_starts
	check bodies_that_drip_end_and_a_slow_one_goes_on \
		python3 "$interop/peer/slow_bodies.py" "$port" "$limit" drip upload
	check slow_stops stop_kh2d

	start_kh2d --app "$kh2_bin/apps/echo.so" --limit "body_ms=${limit}000"
	result $? conversation_starts
	check body_rests_once_the_answer_has_begun \
		python3 "$interop/peer/slow_bodies.py" "$port" "$limit" converse
	check conversation_stops stop_kh2d
}

run() {
	run_app echo echo echoes
	run_app discard discard counted
	run_more
	run_slow
}

make_certificate cert.pem key.pem
mkdir in
for size in $sizes; do
	head -c "$size" /dev/urandom > "in/$size"
done
each_backend run
finish
