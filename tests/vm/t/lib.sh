# SPDX-License-Identifier: GPL-2.0
# For tests of the harness: TAP, the VM, and a directory that goes with the test.
# shellcheck shell=bash disable=SC2034 # what tests use is set here

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=${KH2_VM:-$here/../vm}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. "$here/../../tap.sh"
