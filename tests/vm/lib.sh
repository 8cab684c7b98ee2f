# SPDX-License-Identifier: GPL-2.0
# Shared by the host-side scripts: places, messages, and the way to become root.
# shellcheck shell=bash disable=SC2034 # set for the scripts that read this file

kh2_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kh2_cache=${KH2_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kh2}

# Builds are kept apart for each checkout, named by its path.
kh2_builds=$kh2_cache/builds/$(printf %s "$kh2_top" | sha256sum | cut -c1-12)

kh2_src=$kh2_builds/src

# Makes kh2_builds, which says whose it is: clean looks for those of checkouts that are gone.
kh2_make_builds() {
	mkdir -p "$kh2_builds"
	[ -e "$kh2_builds/checkout" ] || printf '%s\n' "$kh2_top" > "$kh2_builds/checkout"
}

kh2_say() {
	printf 'kh2: %s\n' "$*" >&2
}

kh2_die() {
	kh2_say "$@"
	exit 125
}

# Sets as_root, the words to put before a command that needs to be root or to look so, and
# kh2_root, where the root file system is or will be.
kh2_find_root() {
	local kh2_way
	if [ "$(id -u)" = 0 ]; then
		kh2_way=root as_root=()
	elif sudo -n true 2>/dev/null; then
		kh2_way=root as_root=(sudo -n)
	elif unshare --user --map-root-user --map-auto --mount true 2>/dev/null; then
		kh2_way=userns as_root=(unshare --user --map-root-user --map-auto --mount)
	else
		kh2_die "need root, or 'sudo' without a password, or user namespaces:" \
			"package uidmap, a line for $(id -un) in /etc/subuid and /etc/subgid," \
			"and kernel.apparmor_restrict_unprivileged_userns=0 where it exists"
	fi
	# Roots made by different ways differ in who owns their files.
	kh2_root=$kh2_cache/$kh2_way-$(cat "$kh2_top/tests/vm/rootfs-make" "$kh2_top/tests/vm/packages" |
		sha256sum | cut -c1-12)
}

# The debug kernel is known by what makes it.
kh2_debug_hash() {
	cat "$kh2_top/tests/vm/kernel-debug-make" "$kh2_top/tests/vm/kernel-debug.config" |
		sha256sum | cut -c1-12
}
