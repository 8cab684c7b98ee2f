#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# curl on the host gets files whole from the VM, sends some, and sees HTTP/2.
set -u

. "$(dirname "$0")/../../tap.sh"
content=$(cd "$(dirname "$0")" && pwd)/content
site=https://localhost:$KH2_PORT_8443
echo=https://localhost:$KH2_PORT_8444
discard=http://localhost:$KH2_PORT_8080
big=${KH2_BIG:-256M}

for tool in curl openssl cmp; do
	command -v $tool > /dev/null || {
		echo "1..0 # SKIP the host has no $tool"
		exit 4
	}
done
curl --version | grep -q HTTP2 || {
	echo "1..0 # SKIP curl of this host was built without HTTP/2"
	exit 4
}

explain() {
	cat err
}

fetch() {
	curl --insecure --http2 --silent --show-error --noproxy '*' --connect-timeout 20 "$@" 2>> err
}

# Compares standard input with the content of that size.
same() {
	cmp - <("$content" "$1") 2>> err
}

echo "TAP version 13"
echo "1..16"

for size in 0 1 16383 16384 16385 16M "$big"; do
	: > err
	# The answer's head goes to a file of its own, so that the body can be compared as it comes.
	fetch --dump-header fields "$site/sizes/$size" | same "$size"
	[ "${PIPESTATUS[*]}" = "0 0" ] && sed 1q fields | tee -a err | grep -q '^HTTP/2 200'
	result $? "file_of_${size}_arrives_whole"
done

: > err
fetch --head "$site/sizes/16385" > fields && grep -qi '^content-length: 16385' fields
result $? head_tells_the_length

: > err
fetch -o /dev/null -w '%{http_version} %{http_code}\n' "$site/none" | grep -qx '2 404'
result $? missing_file_is_404

: > err
fetch --range 16380-16389 "$site/sizes/1M" |
	cmp - <("$content" 16390 | tail -c 10) 2>> err
result $? range_across_a_frame_border

: > err
words=()
for i in {0..9}; do
	words+=("$site/sizes/1M" -o "part$i")
done
connects=$(fetch --parallel --parallel-max 10 -w '%{num_connects}\n' "${words[@]}" |
	awk '{ n += $1 } END { print n }')
for i in {0..9}; do
	same 1M < "part$i" || break
done
result $? ten_downloads_at_once_on_one_connection
echo "# connections: $connects"

: > err
pids=()
for i in {0..9}; do
	fetch -o "apart$i" "$site/sizes/1M" & pids+=($!)
done
failed=0
for i in {0..9}; do
	wait "${pids[i]}" && same 1M < "apart$i" || failed=1
done
result $failed ten_downloads_at_once_on_ten_connections

: > err
"$content" 1M > upload
fetch --data-binary @upload "$echo/" | cmp - upload 2>> err
result $? upload_of_1M_comes_back

: > err
"$content" 16M > upload
fetch --data-binary @upload "$echo/" | cmp - upload 2>> err
result $? upload_of_16M_comes_back

: > err
: | fetch --data-binary @- "$echo/" > back && [ ! -s back ]
result $? empty_upload_comes_back

: > err
code=$(fetch --http2-prior-knowledge -o /dev/null -w '%{http_version} %{http_code}' \
	--data-binary @upload "$discard/")
echo "$code" | tee -a err | grep -qx '2 200'
result $? upload_in_cleartext_is_taken
