#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The harness passes on statuses, output and files, and sees kernel trouble, crashes and hangs.
set -u

. "$(dirname "$0")/lib.sh"

explain() {
	cat "$dir/out" "$dir/err"
}

# Runs the VM and remembers status and output.
boot() {
	"$vm" --log "$dir/log" "$@" > "$dir/out" 2> "$dir/err"
	status=$?
}

# Takes a free port of this host: the kernel's choice, freed again.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

echo "TAP version 13"
echo "1..9"

echo from-host > "$dir/file"
boot --share "$dir" -- sh -c 'echo "said: $(cat /mnt/share/file)"; echo error >&2
	echo from-guest > /mnt/share/answer; exit 42'
[ $status = 42 ] && true
result $? exit_status_of_the_command_is_passed_on
[ "$(cat "$dir/out")" = "said: from-host" ] && grep -qx error "$dir/err"
result $? output_and_errors_arrive_apart
[ "$(cat "$dir/answer" 2> /dev/null)" = from-guest ] && true
result $? files_in_the_share_are_seen_on_both_sides

boot --no-module -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at net/fake.c:1 fake+0x0/0x0" > /dev/kmsg'
[ $status = 123 ] && grep -q 'WARNING: CPU: 0 PID: 1 at net/fake.c' "$dir/err"
result $? kernel_warning_fails_the_run_and_is_printed

boot --no-module -- sh -c 'echo c > /proc/sysrq-trigger; sleep 100'
[ $status = 123 ] && grep -q 'Kernel panic' "$dir/err"
result $? crash_of_the_guest_fails_the_run

boot --no-module --timeout 1 -- sleep 1000
[ $status = 124 ] && true
result $? command_past_its_time_limit_is_ended

port=$(free_port)
"$vm" --log "$dir/log" --forward "$port:80" -- python3 -c '
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print("listening", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"from-guest")
server = http.server.HTTPServer(("", 80), Handler)
print("ready", flush=True)
server.serve_forever()' > "$dir/fifo-out" 2> "$dir/err" &
pid=$!
python3 - "$dir/fifo-out" "$pid" <<'END'
import os, sys, time
end = time.monotonic() + 300
while time.monotonic() < end and "ready" not in open(sys.argv[1]).read():
    os.kill(int(sys.argv[2]), 0)
    time.sleep(0.1)
END
python3 -c '
import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:%s/" % sys.argv[1], timeout=20).read().decode())' \
	"$port" > "$dir/out" 2>> "$dir/err"
[ "$(cat "$dir/out")" = from-guest ] && true
result $? forwarded_port_reaches_the_guest
kill -TERM $pid
wait $pid
[ $? = 9 ]
result $? signal_is_passed_to_the_command_and_its_status_back
! kill -0 $pid 2> /dev/null
result $? nothing_is_left_running
