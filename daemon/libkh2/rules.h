/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The rules of RFC 9113 8 about fields, sent and received. */
#ifndef KH2I_RULES_H
#define KH2I_RULES_H

#include "proto.h"
#include "kh2.h"

/**
 * struct kh2i_request - what the rules need to know of a request
 * @connect: method is CONNECT, without :protocol
 * @tunnel: method is CONNECT, with or without it
 * @head: method is HEAD
 * @content_length: -1: not given
 * @has_priority: there was a usable `priority` field
 * @prio: what it says
 */
struct kh2i_request {
	bool connect;
	bool tunnel;
	bool head;
	int64_t content_length;
	bool has_priority;
	struct kh2_priority prio;
};

int kh2i_rules_field_to_send(const struct kh2_nv *nv);
int kh2i_rules_request(const struct kh2_headers *h, bool extended_connect,
		       struct kh2i_request *req);
int kh2i_rules_trailers(const struct kh2_headers *h);
int kh2i_rules_status(const struct kh2_headers *h, int first, int last, int def);
bool kh2i_rules_priority(const char *value, size_t len, struct kh2_priority *prio);

#endif
