// SPDX-License-Identifier: GPL-2.0
/* The netlink policies: every attribute's type and range, before any code of ours sees it. */

#include "nl_policy.h"

static const struct netlink_range_validation kh2_ev_bytes_range = {
	.min = 65536,
	.max = 16777216,
};

static const struct netlink_range_validation kh2_tx_bytes_range = {
	.min = 4096,
	.max = 16777216,
};

static const struct netlink_range_validation kh2_conn_window_range = {
	.min = 65535,
	.max = 2147483647,
};

static const struct netlink_range_validation kh2_stream_id_range = {
	.min = 1,
	.max = 2147483647,
};

static const struct netlink_range_validation kh2_last_id_range = {
	.max = 2147483647,
};

const struct nla_policy kh2_channel_new_policy[KH2_A_CHANNEL_TX_BYTES + 1] = {
	[KH2_A_CHANNEL_SQ_ENTRIES] = NLA_POLICY_RANGE(NLA_U32, 8, 4096),
	[KH2_A_CHANNEL_EV_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_ev_bytes_range),
	[KH2_A_CHANNEL_TX_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_tx_bytes_range),
};

const struct nla_policy kh2_session_attach_policy[KH2_A_SESSION_LABEL + 1] = {
	[KH2_A_SESSION_CHANNEL_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[KH2_A_SESSION_SOCKET_FD] = NLA_POLICY_MIN(NLA_S32, 0),
	[KH2_A_SESSION_ROLE] = NLA_POLICY_MAX(NLA_U32, KH2_ROLE_CLIENT),
	[KH2_A_SESSION_PADDING] = NLA_POLICY_MAX(NLA_U32, KH2_PADDING_ALIGNED),
	[KH2_A_SESSION_CONN_WINDOW] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_conn_window_range),
	[KH2_A_SESSION_SETTINGS] = { .type = NLA_BINARY, .len = 128 },
	[KH2_A_SESSION_LIMITS] = { .type = NLA_BINARY, .len = 1024 },
	[KH2_A_SESSION_EARLY] = { .type = NLA_BINARY, .len = KH2_EARLY_MAX },
	[KH2_A_SESSION_LABEL] = { .type = NLA_NUL_STRING, .len = KH2_LABEL_MAX },
};

const struct nla_policy kh2_session_get_policy[KH2_A_SESSION_ID + 1] = {
	[KH2_A_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy kh2_session_set_policy[KH2_A_SESSION_LIMITS + 1] = {
	[KH2_A_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_SESSION_SETTINGS] = { .type = NLA_BINARY, .len = 128 },
	[KH2_A_SESSION_LIMITS] = { .type = NLA_BINARY, .len = 1024 },
};

const struct nla_policy kh2_session_close_policy[KH2_A_SESSION_GRACEFUL + 1] = {
	[KH2_A_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_SESSION_CODE] = { .type = NLA_U32 },
	[KH2_A_SESSION_GRACEFUL] = { .type = NLA_FLAG },
};

const struct nla_policy kh2_session_ping_policy[KH2_A_SESSION_OPAQUE + 1] = {
	[KH2_A_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_SESSION_OPAQUE] = NLA_POLICY_EXACT_LEN(8),
};

const struct nla_policy kh2_session_goaway_policy[KH2_A_SESSION_DEBUG + 1] = {
	[KH2_A_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_SESSION_CODE] = { .type = NLA_U32 },
	[KH2_A_SESSION_LAST_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_last_id_range),
	[KH2_A_SESSION_DEBUG] = { .type = NLA_BINARY, .len = 1024 },
};

const struct nla_policy kh2_stream_get_do_policy[KH2_A_STREAM_SESSION_ID + 1] = {
	[KH2_A_STREAM_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_stream_id_range),
	[KH2_A_STREAM_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy kh2_stream_get_dump_policy[KH2_A_STREAM_SESSION_ID + 1] = {
	[KH2_A_STREAM_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy kh2_stream_set_policy[KH2_A_STREAM_EXCLUSIVE + 1] = {
	[KH2_A_STREAM_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_stream_id_range),
	[KH2_A_STREAM_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_STREAM_URGENCY] = NLA_POLICY_MAX(NLA_U32, 7),
	[KH2_A_STREAM_INCREMENTAL] = NLA_POLICY_MAX(NLA_U32, 1),
	[KH2_A_STREAM_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, 256),
	[KH2_A_STREAM_PARENT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_last_id_range),
	[KH2_A_STREAM_EXCLUSIVE] = { .type = NLA_FLAG },
};

const struct nla_policy kh2_stream_reset_policy[KH2_A_STREAM_CODE + 1] = {
	[KH2_A_STREAM_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kh2_stream_id_range),
	[KH2_A_STREAM_SESSION_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[KH2_A_STREAM_CODE] = { .type = NLA_U32 },
};
