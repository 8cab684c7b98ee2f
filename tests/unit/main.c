// SPDX-License-Identifier: GPL-2.0 OR MIT
/* All tests of the engine: the functions of test_*.c, and each vector twice. */
#include "tap.h"
#include "vec.h"

extern const char vectors_text[];

int main(int argc, char **argv)
{
	vec_add_all(vectors_text);
	return tap_run(argc, argv);
}
