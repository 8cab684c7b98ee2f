// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Runs the unit tests of kh2d. */
#include "tap.h"

int main(int argc, char **argv)
{
	return tap_run(argc, argv);
}
