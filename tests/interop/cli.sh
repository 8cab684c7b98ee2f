#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command line kh2: what it shows as text and as JSON, what it does, how it refuses.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

json() {
	kh2 --json "$@" > json.out && python3 -m json.tool json.out
}

# As json, where value looks at it anyway.
ask() {
	kh2 --json "$@" > json.out
}

# value EXPRESSION: of the last JSON, as v.
value() {
	python3 -c 'import json, sys; v = json.load(open("json.out")); print(eval(sys.argv[1]))' "$1"
}

fails() {
	local name=$1 wanted=$2 words=$3 status
	shift 3
	kh2 "$@" > out 2> err
	status=$?
	cat out err > command.out
	[ $status = "$wanted" ] && [ "$(wc -l < err)" = 1 ] && grep -q -- "$words" err
	result $? "$name"
}

test_words() {
	local command
	check help_is_given eval 'kh2 --help | grep -q "^usage:"'
	for command in session stream stats monitor version 'session close' 'stream reset' 'stream priority'; do
		# shellcheck disable=SC2086 # words of a command
		check "help_of_${command// /_}" eval 'kh2 $command --help | grep -q "^usage: kh2"'
	done
	fails no_command_is_usage_2 2 'no such command' bake
	fails no_option_is_usage_2 2 'no such option' --bake
	fails bad_session_is_usage 2 'no number' session show x
	fails missing_session_is_usage 2 'is needed' session close
	fails bad_stream_is_usage 2 'SESSION/STREAM' stream show 1
	fails bad_code_is_usage 2 'no HTTP/2 error code' session close 1 --code NONE
	fails surplus_is_usage 2 'not expected' stats more
	check version_has_four_parts eval '[ "$(kh2 version | wc -l)" = 4 ]'
	check version_json json version
	is version_says_kernel "$(value 'v["kernel"]')" "$(uname -r)"
}

test_absent() {
	if [ -d /sys/module/kh2 ]; then
		check module_is_removed wait_for 20 rmmod kh2
	fi
	fails absent_module_is_status_3 3 'not loaded' session list
	fails absent_module_for_stats 3 'not loaded' stats
	ask version
	is version_says_no_module "$(value 'v["module"]')" None
	[ -z "${KH2_MODULE:-}" ] || insmod "$KH2_MODULE"
}

one_session() {
	ask session list && [ "$(value 'len(v)')" = 1 ]
}

no_session() {
	ask session list && [ "$(value 'len(v)')" = 0 ]
}

one_stream() {
	ask stream list && [ "$(value 'len(v)')" = 1 ]
}

begin_download() {
	begin curl -sS --cacert cert.pem --limit-rate 1M -o got "https://localhost:$port/1G"
	client=$!
	wait_for 20 one_session && wait_for 20 one_stream
}

test_session() {
	local id stream
	begin_download
	result $? session_and_stream_are_listed
	ask session list
	id=$(value 'v[0]["id"]')
	is session_role "$(value 'v[0]["role"]')" server
	is session_tls "$(value 'v[0]["tls"]')" TLSv1.3
	is session_owner "$(value 'v[0]["pid"]')" "$kh2d_pid"
	is session_local_port "$(value 'v[0]["local"].split(":")[-1]')" "$port"
	check session_list_json json session list
	check session_list_is_text eval 'kh2 session list | grep -Eq "^$id +server +open +TLSv1.3 "'
	check session_show_json json session show "$id"
	check session_show_has_counters [ "$(value 'v["counters"]["tx_frame_headers"] >= 1')" = True ]
	check session_show_has_settings [ "$(value '"max_frame_size" in v["remote_settings"]')" = True ]
	kh2 session show "$id" > shown
	check session_show_is_text grep -q "^  state  *open$" shown
	check session_show_sets_members_in eval \
		'sed -n "/^  remote_settings$/,/^  [a-z]/p" shown | grep -Eq "^    max_frame_size +[0-9]+$"'
	ask stream list "$id"
	stream=$(value 'v[0]["id"]')
	is stream_state "$(value 'v[0]["state"]')" half-closed-remote
	check stream_show_json json stream show "$id/$stream"
	check stream_list_json json stream list
	check stream_list_is_text eval 'kh2 stream list | grep -q "^$id/$stream "'
	fails missing_session_is_status_1 1 'kh2:' session show 4294967295
	fails missing_stream_is_status_1 1 'kh2:' stream show "$id/999999"
	check stream_urgency_is_set kh2 stream priority "$id/$stream" --urgency 1 --incremental
	ask stream show "$id/$stream"
	is stream_has_the_urgency "$(value 'v["urgency"], v["incremental"]')" '(1, 1)'
	check stream_weight_is_set kh2 stream priority "$id/$stream" --weight 200
	ask stream show "$id/$stream"
	is stream_has_the_weight "$(value 'v["weight"], v["parent"], v["sum_dependency_weight"]')" \
		'(200, 0, 0)'
	fails stream_priority_needs_one_kind 2 'either' stream priority "$id/$stream" --urgency 1 \
		--weight 2
	check stream_reset_works kh2 stream reset "$id/$stream" --code CANCEL
	wait "$client"
	check client_sees_the_reset [ $? != 0 ]
	check session_goes_with_its_client wait_for 20 no_session
}

test_close() {
	local id
	begin_download
	ask session list
	id=$(value 'v[0]["id"]')
	check goaway_is_sent kh2 session goaway "$id" --debug hello
	check session_outlives_goaway one_session
	check session_close_with_code kh2 session close "$id" --code enhance-your-calm
	wait "$client"
	check client_sees_the_close [ $? != 0 ]
	check closed_session_goes wait_for 20 no_session

	rm -f got
	begin curl -sS --cacert cert.pem --limit-rate 10M -o got "https://localhost:$port/100M"
	client=$!
	wait_for 20 one_session
	ask session list
	check session_close_is_graceful kh2 session close "$(value 'v[0]["id"]')"
	wait "$client"
	is client_of_graceful_close_ends_well $? 0
	is graceful_close_loses_nothing "$(stat -c %s got)" 104857600
}

test_stats() {
	check stats_json json stats
	check stats_count_sessions [ "$(value 'v["sessions_total"] >= 1')" = True ]
	check stats_have_every_counter [ "$(value '"tls_record" in v["counters"]')" = True ]
	check stats_nonzero_hides eval '! kh2 stats --nonzero | grep -Eq "^ +[rt]x_[a-z_]+ +0$"'
}

event_seen() {
	grep -q "$1" events
}

test_monitor() {
	begin kh2 --json monitor > events 2> monitor.err
	begin kh2 monitor > lines 2> lines.err
	check monitor_listens wait_for 10 grep -q listening monitor.err
	check monitor_of_lines_listens wait_for 10 grep -q listening lines.err
	curl -sS --cacert cert.pem -o /dev/null "https://localhost:$port/small"
	check monitor_tells_the_begin wait_for 10 event_seen session-new
	check monitor_tells_the_end wait_for 10 event_seen session-gone
	check monitor_lines_are_json eval \
		'python3 -c "import json, sys; [json.loads(l) for l in sys.stdin]" < events'
	check monitor_says_in_order wait_for 10 grep -q 'session-gone .*: in order$' lines
	begin_download
	ask session list
	check session_close_now kh2 session close "$(value 'v[0]["id"]')" --now
	check monitor_says_that_it_was_closed wait_for 20 grep -q 'session-gone .*: conn_user' lines
	wait "$client"
}

test_permission() {
	local id
	have setpriv || return
	begin_download
	ask session list
	id=$(value 'v[0]["id"]')
	setpriv --reuid daemon --clear-groups --inh-caps=-all --bounding-set=-all \
		kh2 session close "$id" > out 2> err
	is close_by_others_is_status_4 "$? $(wc -l < err)" '4 1'
	kill "$client"
	wait "$client" 2> /dev/null
	check session_of_killed_client_goes wait_for 20 no_session
}

test_words
if [ "$(id -u)" = 0 ]; then
	test_absent
fi
if has_module; then
	backend=kernel
	make_certificate cert.pem key.pem
	mkdir www
	truncate -s 100M www/100M
	truncate -s 1G www/1G
	echo small > www/small
	start_kh2d --cert cert.pem --key key.pem --root www
	result $? starts
	test_session
	test_close
	test_stats
	test_monitor
	test_permission
	check stops stop_kh2d
fi
backend=''
finish
