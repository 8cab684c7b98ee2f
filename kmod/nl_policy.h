/* SPDX-License-Identifier: GPL-2.0 */
/* What each netlink command accepts, in step with Documentation/netlink/specs/kh2.yaml. */
#ifndef KH2_NL_POLICY_H
#define KH2_NL_POLICY_H

#include <net/netlink.h>
#include <linux/kh2_nl.h>

extern const struct nla_policy kh2_channel_new_policy[KH2_A_CHANNEL_TX_BYTES + 1];
extern const struct nla_policy kh2_session_attach_policy[KH2_A_SESSION_LABEL + 1];
extern const struct nla_policy kh2_session_get_policy[KH2_A_SESSION_ID + 1];
extern const struct nla_policy kh2_session_set_policy[KH2_A_SESSION_LIMITS + 1];
extern const struct nla_policy kh2_session_close_policy[KH2_A_SESSION_GRACEFUL + 1];
extern const struct nla_policy kh2_session_ping_policy[KH2_A_SESSION_OPAQUE + 1];
extern const struct nla_policy kh2_session_goaway_policy[KH2_A_SESSION_DEBUG + 1];
extern const struct nla_policy kh2_stream_get_do_policy[KH2_A_STREAM_SESSION_ID + 1];
extern const struct nla_policy kh2_stream_get_dump_policy[KH2_A_STREAM_SESSION_ID + 1];
extern const struct nla_policy kh2_stream_set_policy[KH2_A_STREAM_EXCLUSIVE + 1];
extern const struct nla_policy kh2_stream_reset_policy[KH2_A_STREAM_CODE + 1];

#endif
