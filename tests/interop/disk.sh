#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Files cut, replaced, removed, and disks that fail, hang or are full, while files are sent.
# shellcheck disable=SC2317 # functions are called by name
. "$(dirname "$0")/lib.sh"

fault() {
	timeout $((60 * slow)) "$python" "$interop/peers/filefaults.py" "$1" "$PWD" "${where[@]}"
}

disk() {
	python3 "$interop/peers/disk.py" "$1" "$device"
}

# A file as a disk, with a layer above it that fails or hangs when told to.
make_disk() {
	local mapped
	modprobe -a loop dm_mod 2> /dev/null
	truncate -s 32M image
	device=$(losetup --find --show image) || return
	echo "$device" > device
	mapped=$(disk make) && mkfs.ext4 -q -O ^has_journal "$mapped" &&
		mount -o noatime "$mapped" www/disk && chmod 755 www/disk &&
		head -c 3M /dev/urandom > www/disk/large &&
		mount -o remount,ro www/disk
}

drop_disk() {
	disk well && umount www/disk && disk remove && losetup --detach "$device"
}

begin_healthy() {
	begin "$python" "$interop/peers/healthy.py" "${where[@]:0:2}" www/1M "${where[@]:2}" \
		> healthy.out 2>&1
	healthy_pid=$!
	wait_for 60 grep -q begun healthy.out
}

end_healthy() {
	kill -TERM "$healthy_pid"
	wait "$healthy_pid" && return
	cat healthy.out
	return 1
}

run_faults() {
	local case
	for case in truncated truncated-to-nothing replaced removed; do
		check "${1}_file_$case" fault "$case"
	done
	for case in failing failing-at-once; do
		check "${1}_disk_$case" fault "$case"
	done
	# The user backend reads in its event loop.
	[ "$backend" = user ] || check "${1}_disk_hanging" fault hanging
}

run_over() {
	local how=$1
	shift
	start_kh2d --root www "$@"
	result $? "${how}_starts"
	where=(localhost "$port")
	[ "$how" = clear ] || where+=("$PWD/cert.pem")
	begin_healthy
	result $? "${how}_healthy_begins"
	run_faults "$how"
	check "${how}_healthy_noticed_nothing" end_healthy
	check "${how}_stops" stop_kh2d
}

# Nothing can be written where the log is: that is no reason not to answer.
test_full_disk() {
	mkdir -p full
	mount -t tmpfs -o size=64k,mode=777 tmpfs full
	head -c 1M /dev/zero > full/rest 2> /dev/null
	is full_has_no_room "$(df --output=avail full | tail -n 1 | tr -d ' ')" 0
	start_kh2d --root www --access-log full/log
	result $? full_starts
	check full_log_stops_nothing curl -sS --fail --http2-prior-knowledge -o got \
		"http://127.0.0.1:$port/1M?[1-20]"
	check full_file_is_whole cmp got www/1M
	check full_stops stop_kh2d
	umount full
}

disk_octets_of() {
	local counts
	counts=$(grep "^$(mountpoint -d www/disk) " "$1/io.stat") || return
	counts=${counts#*rbytes=}
	echo "${counts%% *}"
}

read_for() {
	local octets
	octets=$(disk_octets_of "$1") && echo "$octets" && [ "$octets" -ge $((3 << 20)) ]
}

# What workers of the kernel read counts for the control group that kh2d is in.
test_io_group() {
	local group=/sys/fs/cgroup/kh2-disk-$$
	if ! make_group "$group" io 2> group.err; then
		skip io_group_pays 'this kernel has no io controller'
		return
	fi
	start_in "$group" --root www
	result $? io_group_starts
	echo 3 > /proc/sys/vm/drop_caches
	check io_group_file_is_sent curl -sS --fail --http2-prior-knowledge -o got \
		"http://127.0.0.1:$port/disk/large"
	check io_group_file_is_whole cmp got www/disk/large
	check io_group_pays read_for "$group"
	check io_group_stops stop_kh2d
	rmdir "$group"
}

run() {
	# Where files are read does not depend on TLS in the user backend.
	[ "$backend" = user ] || run_over clear
	run_over tls --cert cert.pem --key key.pem
	test_full_disk
	[ "$backend" = user ] || test_io_group
	check_nothing_left
}

if ! python=$(python_h2); then
	echo '1..0 # SKIP no python3-h2'
	exit
fi
chmod 755 .
mkdir -p www/disk
head -c 1M /dev/urandom > www/1M
echo small > www/small
make_certificate cert.pem key.pem
check disk_is_made make_disk
each_backend run
check disk_is_put_away drop_disk
finish
