#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The static application of kh2d: what it serves, what it refuses, ranges and conditions.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

make_site() {
	mkdir -p www/dir www/empty-dir www/.hidden www/.well-known www/sp
	printf '<p>index\n' > www/index.html
	printf '<p>dir\n' > www/dir/index.html
	printf '0123456789' > www/digits.txt
	: > www/empty.css
	printf secret > outside.txt
	printf secret > www/.hidden/file.txt
	printf secret > www/.dot.txt
	printf known > www/.well-known/file.txt
	printf blank > 'www/sp/a b%.txt'
	printf x > www/locked.txt
	chmod 600 www/locked.txt
	touch -d '2026-01-02 03:04:05 UTC' www/digits.txt
	local name
	for name in a.JS a.svg a.wasm a.json a.unknown noextension; do
		printf x > "www/$name"
	done
	ln -s digits.txt www/inside-link.txt
	ln -s dir www/dir-link
	ln -s ../outside.txt www/outside-link.txt
	ln -s "$PWD/outside.txt" www/absolute-link.txt
	ln -s .. www/up
	ln -s loop www/loop
	mkfifo www/pipe
	mkdir www/index-dir www/index-dir/index.html
}

# get PATH [CURL-ARGUMENT...]: prints the status; headers are in head.txt, the body in body.
get() {
	local path=$1
	shift
	curl -sS --max-time 20 --http2-prior-knowledge --path-as-is -D head.raw -o body \
		-w '%{http_code}' "$@" "http://127.0.0.1:$port$path" 2> curl.err ||
		cat curl.err
	tr -d '\r' < head.raw > head.txt
}

field() {
	sed -n "s/^$1: //p" head.txt
}

status_is() {
	local name=$1 wanted=$2
	shift 2
	: > body
	: > head.raw
	is "$name" "$(get "$@")" "$wanted"
}

test_content() {
	status_is file_is_served 200 /digits.txt
	is file_has_its_octets "$(cat body)" 0123456789
	is file_has_its_length "$(field content-length)" 10
	is text_has_a_charset "$(field content-type)" 'text/plain; charset=utf-8'
	is file_has_last_modified "$(field last-modified)" 'Fri, 02 Jan 2026 03:04:05 GMT'
	check file_has_date grep -Eq '^date: [A-Z][a-z]{2}, [0-9]{2} .* GMT$' head.txt
	check file_has_a_strong_etag grep -Eq '^etag: "[^"]+"$' head.txt
	is ranges_are_offered "$(field accept-ranges)" bytes
	is header_option_is_sent "$(field x-test)" 'a b'
	status_is empty_file_is_served 200 /empty.css
	is empty_file_has_length_0 "$(field content-length) $(field content-type)" \
		'0 text/css; charset=utf-8'
	get /a.JS > /dev/null
	is extension_is_case_blind "$(field content-type)" 'text/javascript; charset=utf-8'
	get /a.svg > /dev/null
	is svg_type "$(field content-type)" image/svg+xml
	get /a.wasm > /dev/null
	is wasm_type "$(field content-type)" application/wasm
	get /a.unknown > /dev/null
	is unknown_type_is_octets "$(field content-type)" application/octet-stream
	get /noextension > /dev/null
	is no_extension_is_octets "$(field content-type)" application/octet-stream
}

test_directories() {
	status_is root_is_its_index 200 /
	is index_is_html "$(field content-type) $(cat body)" 'text/html; charset=utf-8 <p>index'
	status_is directory_is_its_index 200 /dir/
	status_is query_is_ignored 200 '/digits.txt?a=/../b'
	status_is directory_without_slash_redirects 301 '/dir?q=1'
	is redirect_keeps_the_query "$(field location)" '/dir/?q=1'
	status_is link_to_directory_redirects 301 /dir-link
	status_is directory_without_index 404 /empty-dir/
	status_is index_that_is_a_directory 403 /index-dir/
	status_is file_with_slash 404 /digits.txt/
}

test_methods() {
	status_is head_is_answered 200 /digits.txt -I
	is head_has_length_and_no_body "$(field content-length) $(wc -c < body)" \
		"10 $(wc -c < head.raw)"
	status_is head_of_nothing 404 /nothing -I
	status_is post_is_refused 405 /digits.txt -d x
	is refusal_says_what_is_allowed "$(field allow)" 'GET, HEAD'
	status_is delete_is_refused 405 /digits.txt -X DELETE
	status_is options_is_refused 405 /digits.txt -X OPTIONS
	status_is get_with_a_body 200 /digits.txt -X GET -d abc
}

test_ranges() {
	status_is range_first_last 206 /digits.txt -H 'range: bytes=2-4'
	is range_has_its_octets "$(cat body) $(field content-range) $(field content-length)" \
		'234 bytes 2-4/10 3'
	status_is range_open_end 206 /digits.txt -H 'range: bytes=7-'
	is range_open_end_octets "$(cat body)" 789
	status_is range_suffix 206 /digits.txt -H 'range: bytes=-3'
	is range_suffix_octets "$(cat body)" 789
	status_is range_longer_suffix 206 /digits.txt -H 'range: bytes=-99'
	is range_longer_suffix_is_all "$(field content-range)" 'bytes 0-9/10'
	status_is range_past_the_end_is_cut 206 /digits.txt -H 'range: bytes=8-99999999999999999999'
	is range_cut_octets "$(cat body)" 89
	status_is range_beyond_the_end 416 /digits.txt -H 'range: bytes=10-'
	is range_beyond_says_the_size "$(field content-range)" 'bytes */10'
	status_is range_of_empty_file 416 /empty.css -H 'range: bytes=0-'
	status_is several_ranges_are_all 200 /digits.txt -H 'range: bytes=0-1,4-5'
	status_is malformed_range_is_ignored 200 /digits.txt -H 'range: bytes=5-2'
	status_is other_unit_is_ignored 200 /digits.txt -H 'range: lines=1-2'
	status_is head_has_no_range 200 /digits.txt -I -H 'range: bytes=1-2'
}

test_conditions() {
	local etag modified='Fri, 02 Jan 2026 03:04:05 GMT'
	get /digits.txt > /dev/null
	etag=$(field etag)
	status_is etag_matches_not_modified 304 /digits.txt -H "if-none-match: \"x\", W/$etag"
	is not_modified_has_validators "$(field etag) $(field last-modified) $(wc -c < body)" \
		"$etag $modified 0"
	status_is any_etag_matches 304 /digits.txt -H 'if-none-match: *'
	status_is other_etag_is_served 200 /digits.txt -H 'if-none-match: "x"'
	status_is etag_goes_before_date 200 /digits.txt -H 'if-none-match: "x"' \
		-H "if-modified-since: $modified"
	status_is not_modified_since 304 /digits.txt -H "if-modified-since: $modified"
	status_is rfc850_date 304 /digits.txt -H 'if-modified-since: Friday, 02-Jan-26 03:04:05 GMT'
	status_is asctime_date 304 /digits.txt -H 'if-modified-since: Fri Jan  2 03:04:05 2026'
	status_is modified_since 200 /digits.txt \
		-H 'if-modified-since: Fri, 02 Jan 2026 03:04:04 GMT'
	status_is date_that_is_none_is_ignored 200 /digits.txt -H 'if-modified-since: yesterday'
	status_is if_match_holds 200 /digits.txt -H "if-match: $etag"
	status_is if_match_fails 412 /digits.txt -H 'if-match: "x"'
	status_is if_match_is_strong 412 /digits.txt -H "if-match: W/$etag"
	status_is if_unmodified_since_fails 412 /digits.txt \
		-H 'if-unmodified-since: Fri, 02 Jan 2026 03:04:04 GMT'
	status_is if_range_by_etag 206 /digits.txt -H 'range: bytes=1-' -H "if-range: $etag"
	status_is if_range_by_date 206 /digits.txt -H 'range: bytes=1-' -H "if-range: $modified"
	status_is if_range_of_another 200 /digits.txt -H 'range: bytes=1-' -H 'if-range: "x"'
}

test_paths() {
	local path
	status_is percent_is_decoded 200 /sp/a%20b%25.txt
	is decoded_file_octets "$(cat body)" blank
	status_is missing_file 404 /nothing
	is error_body_is_small_text "$(field content-type) $(cat body)" \
		'text/plain; charset=utf-8 404 Not Found'
	status_is file_as_directory 404 /digits.txt/x
	status_is long_name 404 "/$(printf %300s '' | tr ' ' a)"
	status_is long_path 414 "/$(printf %5000s '' | tr ' ' a)"
	status_is bad_percent 400 /digits%2
	status_is bad_percent_digits 400 /digits%zz
	status_is encoded_nul 400 /digits.txt%00.html
	status_is well_known_is_served 200 /.well-known/file.txt
	for path in /../outside.txt /dir/../../outside.txt /%2e%2e/outside.txt \
		/..%2foutside.txt /dir/%2e%2e%2f%2e%2e%2foutside.txt //outside.txt \
		/.hidden/file.txt /%2ehidden/file.txt /.dot.txt /./digits.txt /.well-known/../.dot.txt; do
		status_is "refused$(printf %s "$path" | tr -c '[:alnum:]' _)" 404 "$path"
		check "no_secret$(printf %s "$path" | tr -c '[:alnum:]' _)" \
			eval '! grep -q secret body'
	done
}

test_files() {
	status_is link_inside_is_followed 200 /inside-link.txt
	status_is link_outside_is_refused 403 /outside-link.txt
	status_is absolute_link_is_refused 403 /absolute-link.txt
	status_is link_up_is_refused 403 /up/outside.txt
	status_is link_loop_is_refused 403 /loop
	status_is pipe_is_refused 403 /pipe
	status_is unreadable_file 403 /locked.txt
}

body_is() {
	get "$1" > /dev/null
	[ "$(cat body)" = "$2" ]
}

status_becomes() {
	[ "$(get "$1")" = "$2" ]
}

# What is kept open is asked for first. Both workers have a cache: whichever answers must notice.
test_changes() {
	local i download
	printf old > www/changes.txt
	for i in 1 2 3 4 5 6 7 8; do
		body_is /changes.txt old || break
	done
	is unchanged_file_stays "$i $(cat body)" '8 old'
	printf new > www/changes.new
	mv www/changes.new www/changes.txt
	check replaced_file_is_noticed wait_for 3 body_is /changes.txt new
	printf ' and more' >> www/changes.txt
	check grown_file_is_noticed wait_for 3 body_is /changes.txt 'new and more'
	printf short > www/changes.txt
	check shrunk_file_is_noticed wait_for 3 body_is /changes.txt short
	rm www/changes.txt
	check removed_file_is_noticed wait_for 3 status_becomes /changes.txt 404
	ln -s ../outside.txt www/changes.txt
	check file_that_became_a_link_outside_is_refused wait_for 3 status_becomes /changes.txt 403
	rm www/changes.txt
	mkdir www/changes.txt
	check file_that_became_a_directory_redirects wait_for 3 status_becomes /changes.txt 301
	rmdir www/changes.txt

	rm -f grows.got
	head -c 3000000 /dev/zero > www/grows.bin
	curl -sS --max-time 60 --http2-prior-knowledge --limit-rate 1M -D grows.raw -o grows.got \
		"http://127.0.0.1:$port/grows.bin" 2> curl.err &
	download=$!
	wait_for 10 test -s grows.got
	printf more >> www/grows.bin
	check second_answer_has_what_grew wait_for 3 eval \
		'get /grows.bin > /dev/null; [ "$(wc -c < body)" = 3000004 ]'
	rm www/grows.bin
	wait "$download"
	is file_that_grows_is_sent_as_it_was "$? $(wc -c < grows.got)" '0 3000000'
	check closed_file_is_not_held wait_for 15 eval \
		'! ls -l "/proc/$kh2d_pid/fd" | grep -q grows.bin'
}

# Most of the files do not fit.
test_few_files() {
	local i wrong=0
	for i in 1 2 3 4 5 6 7 8 9; do
		printf %s "$i" > "www/few-$i.txt"
	done
	for i in 1 2 3 4 5 6 7 8 9 1 1 9 8 7 6 5 4 3 2 1; do
		body_is "/few-$i.txt" "$i" || wrong=$((wrong + 1))
	done
	is "$1" $wrong 0
}

test_log() {
	get '/digits.txt?"\x' -A $'agent "\t\x01end' -H 'referer: r"' > /dev/null
	wait_for 5 grep -q agent log
	check log_line_has_all_columns grep -Eq '^127\.0\.0\.1 - - \[[^]]+\] "GET /digits\.txt\?\\x22\\x5Cx HTTP/2\.0" 200 10 "r\\x22" "agent \\x22.*end" [0-9]+\.[0-9]{6} '"$backend"' ok$' log
	check log_is_printable eval '! LC_ALL=C grep -q "[^ -~]" log'
	is log_has_no_forged_lines "$(grep -vc '^127\.0\.0\.1 ' log)" 0
}

run() {
	local user=()
	rm -f log
	# Without root there is no user to become, and no file that it may not read.
	[ "$(id -u)" = 0 ] || user=(--user "$(id -un)")
	check starts start_kh2d --root www --access-log log --header 'X-Test: a b' "${user[@]}"
	test_content
	test_methods
	test_ranges
	test_changes
	test_log
	# What does not touch the backend is asked of one.
	if first_backend; then
		test_directories
		test_conditions
		test_paths
		test_files
	fi
	check stops stop_kh2d

	check starts_with_two_kept_files start_kh2d --root www --file-cache 2 "${user[@]}"
	test_few_files files_beyond_the_cache_are_served
	check stops_with_two_kept_files stop_kh2d
	check starts_without_cache start_kh2d --root www --file-cache 0 "${user[@]}"
	test_few_files files_are_served_without_cache
	check stops_without_cache stop_kh2d
}

make_site
each_backend run
finish
