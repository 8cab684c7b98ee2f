#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# The attacks that icount/attacks leaves out: together they are all.
exec "$(dirname "$0")/attacks.py" --others "$@"
