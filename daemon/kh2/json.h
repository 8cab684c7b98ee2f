/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Writes JSON to stdout, commas and escapes included. */
#ifndef KH2_CLI_JSON_H
#define KH2_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @key: name of the member in an object, NULL in an array or at the top. */
void json_object_begin(const char *key);
void json_object_end(void);
void json_array_begin(const char *key);
void json_array_end(void);
void json_uint(const char *key, uint64_t value);
void json_int(const char *key, int64_t value);
void json_null(const char *key);
/* Octets that are no ASCII are taken as ISO 8859-1, so that any octets give valid JSON. */
void json_string(const char *key, const char *value);

/* Ends a top-level value by a newline. */
void json_newline(void);

#endif /* KH2_CLI_JSON_H */
