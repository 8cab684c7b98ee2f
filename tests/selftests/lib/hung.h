/* SPDX-License-Identifier: GPL-2.0 */
/* A file that no read of ever ends: of a file system whose server is silent. */
#ifndef KT_HUNG_H
#define KT_HUNG_H

#include <pthread.h>
#include <stdbool.h>

#define KT_HUNG "hung"
#define KT_HUNG_SIZE (1 << 20)

struct kt_hung {
	int dev;
	int asked;	/* reads that came, atomic */
	bool silent;	/* it is there */
	pthread_t server;
};

/* Makes the file KT_HUNG, for all users. */
int kt_hung_begin(struct kt_hung *hung);
/* Reads that wait fail, and let go of everything. */
int kt_hung_end(struct kt_hung *hung);

#endif
