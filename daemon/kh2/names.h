/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Numbers of the ABI in words. */
#ifndef KH2_CLI_NAMES_H
#define KH2_CLI_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Name of a counter and a limit; NULL if this kh2 does not know it. */
const char *counter_name(size_t id);
const char *limit_name(uint32_t id);

const char *role_name(uint32_t role);
const char *phase_name(uint32_t phase);
const char *padding_name(uint32_t padding);
const char *stream_state_name(uint32_t state);
/* "TLSv1.3"; NULL for 0, that is none. */
const char *tls_version_name(uint32_t version);
const char *tls_cipher_name(uint32_t cipher);
/* Setting of enum kh2_a_values. */
const char *setting_name(uint16_t attr);

#endif /* KH2_CLI_NAMES_H */
