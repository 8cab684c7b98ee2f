#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Files of every size, octet for octet: over TLS 1.3, TLS 1.2, cleartext and IPv6.
#
# KH2_BIG is the size of the largest, in MiB: 32 if unset.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

big=${KH2_BIG:-32}
edge_sizes=(0 1 9 16366 16375 16383 16384 16385 65535 65536 1048577)

make_files() {
	local size
	mkdir www
	for size in "${edge_sizes[@]}"; do
		head -c "$size" /dev/urandom > "www/$size"
	done
	head -c 4M /dev/urandom > www/4M
	head -c 16M /dev/urandom > www/16M
	# A file that compresses to nothing on its way would still have to arrive whole.
	openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2> /dev/null |
		head -c "${big}M" > www/big
	(cd www && sha256sum ./* | sed 's|\./||' > ../sums)
}

fetch() {
	curl -sS --fail --max-time $((120 * slow)) --cacert cert.pem "$@"
}

# same_sums FILE...: each is in got as it is in www.
same_sums() {
	local file
	for file in "$@"; do
		grep " $file\$" sums
	done > wanted
	(cd got && sha256sum --quiet -c ../wanted)
}

# same_edges NAME BASE-URL CURL-ARGUMENT...: all small sizes over one connection.
same_edges() {
	local name=$1 base=$2 size
	local -a urls=()
	shift 2
	rm -rf got
	mkdir got
	for size in "${edge_sizes[@]}"; do
		urls+=(-o "got/$size" "$base/$size")
	done
	check "${name}_edge_sizes_are_sent" fetch "$@" "${urls[@]}"
	check "${name}_edge_sizes_are_whole" same_sums "${edge_sizes[@]}"
}

same_file() {
	local name=$1 url=$2 file=$3
	shift 3
	check "$name" fetch_and_compare "$file" "$@" "$url"
}

fetch_and_compare() {
	local file=$1
	shift
	fetch "$@" | cmp - "$file"
}

same_pairs() {
	local file
	for file in "$@"; do
		cmp "got/$file" "got/$file.again" || return
	done
}

# Streams that share a connection do not mix their octets.
same_at_once() {
	local name=$1 base=$2 size
	local -a urls=()
	shift 2
	rm -rf got
	mkdir got
	for size in 16385 65536 1048577 4M; do
		urls+=(-o "got/$size" "$base/$size" -o "got/$size.again" "$base/$size")
	done
	check "${name}_at_once_are_sent" fetch --parallel "$@" "${urls[@]}"
	check "${name}_at_once_are_whole" same_sums 16385 65536 1048577 4M
	check "${name}_at_once_twice_are_whole" same_pairs 16385 65536 1048577 4M
}

run_tls() {
	local port6
	start_kh2d --listen 127.0.0.1:0 --listen '[::1]:0' --cert cert.pem --key key.pem --root www
	result $? starts_tls
	port6=$(port_of 2)
	same_edges tls13 "https://localhost:$port" -4 --tlsv1.3
	same_edges tls12 "https://localhost:$port" -4 --tls-max 1.2
	same_edges tls13_ipv6 "https://[::1]:$port6"
	same_file tls13_16M "https://localhost:$port/16M" www/16M -4 --tlsv1.3
	same_file tls12_16M "https://localhost:$port/16M" www/16M -4 --tls-max 1.2
	same_file tls13_big "https://localhost:$port/big" www/big -4 --tlsv1.3
	same_at_once tls13 "https://localhost:$port" -4 --tlsv1.3
	same_file tls13_aes256 "https://localhost:$port/1048577" www/1048577 -4 \
		--tls13-ciphers TLS_AES_256_GCM_SHA384
	same_file tls13_chacha "https://localhost:$port/1048577" www/1048577 -4 \
		--tls13-ciphers TLS_CHACHA20_POLY1305_SHA256
	check stops_tls stop_kh2d
}

run_clear() {
	local port6
	start_kh2d --listen 127.0.0.1:0 --listen '[::1]:0' --root www
	result $? starts_clear
	port6=$(port_of 2)
	same_edges clear "http://localhost:$port" -4 --http2-prior-knowledge
	same_edges clear_ipv6 "http://[::1]:$port6" --http2-prior-knowledge
	same_file clear_16M "http://localhost:$port/16M" www/16M -4 --http2-prior-knowledge
	same_file clear_big "http://localhost:$port/big" www/big -4 --http2-prior-knowledge
	same_at_once clear "http://localhost:$port" -4 --http2-prior-knowledge
	check stops_clear stop_kh2d
}

run_padding() {
	local how
	for how in max aligned; do
		start_kh2d --padding "$how" --root www
		result $? "starts_padding_$how"
		same_edges "padding_$how" "http://127.0.0.1:$port" --http2-prior-knowledge
		check "stops_padding_$how" stop_kh2d
	done
}

# In the page cache, which kernel TLS may read and not write
unchanged() {
	(cd www && sha256sum --quiet -c ../sums)
}

run() {
	run_tls
	run_clear
	run_padding
	check served_files_are_unchanged unchanged
}

make_certificate cert.pem key.pem
make_files
each_backend run
finish
