/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Opens certificate, key and log, by a process that keeps its rights when kh2d drops its own. */
#ifndef KH2D_KEEPER_H
#define KH2D_KEEPER_H

#include "options.h"

enum keeper_file {
	KEEPER_CERT,
	KEEPER_KEY,
	KEEPER_LOG,
};

/*
 * Starts the keeper, which ends with kh2d. Without a call of this, the files
 * are opened by the process itself.
 */
void keeper_start(const struct options *o);

/**
 * keeper_open() - open one of the files anew
 * @o: options that name it
 * @which: which
 *
 * Certificate and key are copied to memory, so that all workers load the
 * same and the key's file need not be readable by them.
 *
 * Return: descriptor, which is the caller's, or negative errno.
 */
int keeper_open(const struct options *o, enum keeper_file which);

#endif /* KH2D_KEEPER_H */
