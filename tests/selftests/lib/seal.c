// SPDX-License-Identifier: GPL-2.0
/* The record layer of TLS 1.3 with AES-128-GCM (RFC 8446 5.2 and 5.3). */
#include <string.h>
#include <openssl/evp.h>

#include "seal.h"

#define APPLICATION_DATA 23
#define TAG_OCTETS 16

const struct tls12_crypto_info_aes_gcm_128 kt_keys = {
	.info = { .version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	.key = "0123456789abcde",
	.salt = "abc",
	.iv = "1234567",
};

int kt_sealer_open(struct kt_sealer *s)
{
	s->seq = 0;
	s->ctx = EVP_CIPHER_CTX_new();
	return s->ctx && EVP_EncryptInit_ex(s->ctx, EVP_aes_128_gcm(), NULL, kt_keys.key, NULL) ?
		       0 : -1;
}

void kt_sealer_close(struct kt_sealer *s)
{
	EVP_CIPHER_CTX_free(s->ctx);
}

static void make_nonce(uint8_t nonce[12], uint64_t seq)
{
	memcpy(nonce, kt_keys.salt, 4);
	memcpy(nonce + 4, kt_keys.iv, 8);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= seq >> (8 * i);
}

size_t kt_seal(struct kt_sealer *s, uint8_t *record, const void *data, size_t n)
{
	size_t len = n + 1 + TAG_OCTETS;
	const uint8_t head[5] = { APPLICATION_DATA, 3, 3, len >> 8, len };
	uint8_t nonce[12], inner[257], *sealed = record + sizeof(head);
	int part;

	if (n > 256)
		return 0;
	memcpy(inner, data, n);
	inner[n] = APPLICATION_DATA;
	memcpy(record, head, sizeof(head));
	make_nonce(nonce, s->seq++);
	if (!EVP_EncryptInit_ex(s->ctx, NULL, NULL, NULL, nonce) ||
	    !EVP_EncryptUpdate(s->ctx, NULL, &part, head, sizeof(head)) ||
	    !EVP_EncryptUpdate(s->ctx, sealed, &part, inner, n + 1) ||
	    !EVP_EncryptFinal_ex(s->ctx, sealed + n + 1, &part) ||
	    !EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_GCM_GET_TAG, TAG_OCTETS, sealed + n + 1))
		return 0;
	return sizeof(head) + len;
}
