/* SPDX-License-Identifier: GPL-2.0 */
/* TLS records sealed by hand: kernel TLS sends none without octets, and seals slowly. */
#ifndef KT_SEAL_H
#define KT_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <linux/tls.h>

/* Those of kt_set_tls(), both ways. */
extern const struct tls12_crypto_info_aes_gcm_128 kt_keys;

/* What a record is longer than the octets in it. */
#define KT_SEAL_OVERHEAD 22

struct kt_sealer {
	struct evp_cipher_ctx_st *ctx;
	uint64_t seq;
};

int kt_sealer_open(struct kt_sealer *s);
void kt_sealer_close(struct kt_sealer *s);
/* Data, at most 256 octets of it; returns the octets of the record, 0 if that failed. */
size_t kt_seal(struct kt_sealer *s, uint8_t *record, const void *data, size_t n);

#endif
