/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* The netlink family kh2, in step with Documentation/netlink/specs/kh2.yaml. */
#ifndef _UAPI_LINUX_KH2_NL_H
#define _UAPI_LINUX_KH2_NL_H

#include <linux/types.h>

#define KH2_FAMILY_NAME		"kh2"
#define KH2_FAMILY_VERSION	1

#define KH2_MCGRP_EVENTS	"events"

#define KH2_LABEL_MAX	63	/* octets of a label, without the NUL */
#define KH2_EARLY_MAX	32768	/* octets of KH2_A_SESSION_EARLY */

enum kh2_role {
	KH2_ROLE_SERVER,
	KH2_ROLE_CLIENT,
};

enum kh2_padding {
	KH2_PADDING_NONE,
	KH2_PADDING_MAX,
	KH2_PADDING_ALIGNED,
};

enum kh2_session_phase {
	KH2_SESSION_PHASE_OPEN,
	KH2_SESSION_PHASE_DRAINING,
	KH2_SESSION_PHASE_DONE,
};

/**
 * struct kh2_limit_value - one limit
 * @id: enum kh2_limit
 * @value: value, within the range of that limit
 */
struct kh2_limit_value {
	__u32 id;
	__u32 value;
};

enum kh2_a_channel {
	KH2_A_CHANNEL_ID = 1,		/* u32 */
	KH2_A_CHANNEL_FD,		/* s32, reply */
	KH2_A_CHANNEL_SQ_ENTRIES,	/* u32, rounded up to a power of two */
	KH2_A_CHANNEL_EV_BYTES,		/* u32, rounded up to a power of two */
	KH2_A_CHANNEL_TX_BYTES,		/* u32, rounded up to pages */

	__KH2_A_CHANNEL_MAX,
	KH2_A_CHANNEL_MAX = (__KH2_A_CHANNEL_MAX - 1)
};

enum kh2_a_session {
	KH2_A_SESSION_ID = 1,		/* u32 */
	KH2_A_SESSION_PAD,
	KH2_A_SESSION_CHANNEL_ID,	/* u32 */
	KH2_A_SESSION_CHANNEL_FD,	/* s32 */
	KH2_A_SESSION_SOCKET_FD,	/* s32 */
	KH2_A_SESSION_ROLE,		/* u32, enum kh2_role */
	KH2_A_SESSION_PADDING,		/* u32, enum kh2_padding */
	KH2_A_SESSION_CONN_WINDOW,	/* u32, at least 65535 */
	KH2_A_SESSION_SETTINGS,		/* struct kh2_setting[], to send */
	KH2_A_SESSION_LIMITS,		/* struct kh2_limit_value[] */
	KH2_A_SESSION_EARLY,		/* octets already read from the connection */
	KH2_A_SESSION_LABEL,		/* string, for people */
	KH2_A_SESSION_CODE,		/* u32, HTTP/2 error code */
	KH2_A_SESSION_GRACEFUL,		/* flag: streams may end */
	KH2_A_SESSION_PHASE,		/* u32, enum kh2_session_phase */
	KH2_A_SESSION_TLS_VERSION,	/* u32, as in linux/tls.h; absent: plain TCP */
	KH2_A_SESSION_TLS_CIPHER,	/* u32, as in linux/tls.h */
	KH2_A_SESSION_LOCAL,		/* struct sockaddr_in or sockaddr_in6 */
	KH2_A_SESSION_PEER,		/* struct sockaddr_in or sockaddr_in6 */
	KH2_A_SESSION_INODE,		/* u64, of the socket */
	KH2_A_SESSION_NETNS,		/* u64, cookie of the network namespace */
	KH2_A_SESSION_PID,		/* u32, owner */
	KH2_A_SESSION_UID,		/* u32, owner */
	KH2_A_SESSION_COMM,		/* string, owner */
	KH2_A_SESSION_AGE,		/* u64, ns */
	KH2_A_SESSION_STREAMS,		/* u32, held */
	KH2_A_SESSION_STREAMS_PEER,	/* u32, of these counted against the limit */
	KH2_A_SESSION_NEXT_STREAM_ID,	/* u32 */
	KH2_A_SESSION_LAST_PROC_ID,	/* u32 */
	KH2_A_SESSION_LOCAL_WINDOW,	/* s32, what the peer may still send */
	KH2_A_SESSION_LOCAL_WINDOW_MAX,	/* s32 */
	KH2_A_SESSION_RECV_UNACKED,	/* u32 */
	KH2_A_SESSION_REMOTE_WINDOW,	/* s32, what we may still send */
	KH2_A_SESSION_OUT_FRAMES,	/* u32 */
	KH2_A_SESSION_SETTINGS_PENDING,	/* u32 */
	KH2_A_SESSION_MEMORY,		/* u64, octets */
	KH2_A_SESSION_RTT,		/* u64, ns; 0: not measured */
	KH2_A_SESSION_LOCAL_SETTINGS,	/* nest, enum kh2_a_values */
	KH2_A_SESSION_REMOTE_SETTINGS,	/* nest, enum kh2_a_values */
	KH2_A_SESSION_COUNTERS,		/* u64[], by enum kh2_counter, 8-aligned */
	KH2_A_SESSION_REASON,		/* u32, enum kh2_counter; gone: why */
	KH2_A_SESSION_ERROR,		/* u32, positive errno; gone: 0 is orderly */
	KH2_A_SESSION_OPAQUE,		/* 8 octets, of a PING */
	KH2_A_SESSION_LAST_ID,		/* u32, of a GOAWAY */
	KH2_A_SESSION_DEBUG,		/* octets, of a GOAWAY */

	__KH2_A_SESSION_MAX,
	KH2_A_SESSION_MAX = (__KH2_A_SESSION_MAX - 1)
};

/* Settings in force at one side; 0xffffffff is unlimited. */
enum kh2_a_values {
	KH2_A_VALUES_HEADER_TABLE_SIZE = 1,	/* u32 */
	KH2_A_VALUES_ENABLE_PUSH,		/* u32 */
	KH2_A_VALUES_MAX_CONCURRENT_STREAMS,	/* u32 */
	KH2_A_VALUES_INITIAL_WINDOW_SIZE,	/* u32 */
	KH2_A_VALUES_MAX_FRAME_SIZE,		/* u32 */
	KH2_A_VALUES_MAX_HEADER_LIST_SIZE,	/* u32 */
	KH2_A_VALUES_ENABLE_CONNECT_PROTOCOL,	/* u32 */
	KH2_A_VALUES_NO_RFC7540_PRIORITIES,	/* u32 */

	__KH2_A_VALUES_MAX,
	KH2_A_VALUES_MAX = (__KH2_A_VALUES_MAX - 1)
};

enum kh2_a_stream {
	KH2_A_STREAM_ID = 1,		/* u32 */
	KH2_A_STREAM_PAD,
	KH2_A_STREAM_SESSION_ID,	/* u32 */
	KH2_A_STREAM_STATE,		/* u32, nghttp2's numbers */
	KH2_A_STREAM_URGENCY,		/* u32, 0 to 7 */
	KH2_A_STREAM_INCREMENTAL,	/* u32, 0 or 1 */
	KH2_A_STREAM_LOCAL_WINDOW,	/* s32 */
	KH2_A_STREAM_REMOTE_WINDOW,	/* s32 */
	KH2_A_STREAM_QUEUED,		/* u64, octets that wait to be framed */
	KH2_A_STREAM_RX_DATA,		/* u64, octets */
	KH2_A_STREAM_TX_DATA,		/* u64, octets */
	KH2_A_STREAM_CODE,		/* u32, of RST_STREAM; absent: none */
	KH2_A_STREAM_WEIGHT,		/* u32, 1 to 256 */
	KH2_A_STREAM_PARENT,		/* u32, stream it depends on; 0: none */
	KH2_A_STREAM_EXCLUSIVE,		/* flag: others that depend on the parent follow it */
	KH2_A_STREAM_SUM_DEPENDENCY_WEIGHT, /* u32, of those that depend on it */

	__KH2_A_STREAM_MAX,
	KH2_A_STREAM_MAX = (__KH2_A_STREAM_MAX - 1)
};

enum kh2_a_stats {
	KH2_A_STATS_PAD = 1,
	KH2_A_STATS_COUNTERS,		/* u64[], by enum kh2_counter, 8-aligned */
	KH2_A_STATS_SESSIONS,		/* u32, now */
	KH2_A_STATS_SESSIONS_TOTAL,	/* u64 */
	KH2_A_STATS_CHANNELS,		/* u32, now */
	KH2_A_STATS_CHANNELS_TOTAL,	/* u64 */
	KH2_A_STATS_MEMORY,		/* u64, octets held by live sessions */

	__KH2_A_STATS_MAX,
	KH2_A_STATS_MAX = (__KH2_A_STATS_MAX - 1)
};

/**
 * enum kh2_cmd - commands, and the notifications of the group "events"
 * @KH2_CMD_CHANNEL_NEW: make a channel; reply has its descriptor
 * @KH2_CMD_SESSION_ATTACH: a connected socket becomes a session of a channel
 * @KH2_CMD_SESSION_GET: one session, or all of the network namespace
 * @KH2_CMD_SESSION_SET: change limits, send SETTINGS
 * @KH2_CMD_SESSION_CLOSE: GOAWAY and end, at once or gracefully
 * @KH2_CMD_SESSION_PING: send PING
 * @KH2_CMD_SESSION_GOAWAY: send GOAWAY, nothing is shut by it
 * @KH2_CMD_STREAM_GET: one stream, or all of a session
 * @KH2_CMD_STREAM_SET: urgency and incremental of a stream, or its dependency
 * @KH2_CMD_STREAM_RESET: end a stream by RST_STREAM, once its owner knows
 * @KH2_CMD_STATS_GET: sums of the network namespace
 * @KH2_CMD_SESSION_NEW_NTF: a session began
 * @KH2_CMD_SESSION_GONE_NTF: a session ended
 */
enum kh2_cmd {
	KH2_CMD_CHANNEL_NEW = 1,
	KH2_CMD_SESSION_ATTACH,
	KH2_CMD_SESSION_GET,
	KH2_CMD_SESSION_SET,
	KH2_CMD_SESSION_CLOSE,
	KH2_CMD_SESSION_PING,
	KH2_CMD_SESSION_GOAWAY,
	KH2_CMD_STREAM_GET,
	KH2_CMD_STREAM_SET,
	KH2_CMD_STREAM_RESET,
	KH2_CMD_STATS_GET,
	KH2_CMD_SESSION_NEW_NTF,
	KH2_CMD_SESSION_GONE_NTF,

	/* private: */
	__KH2_CMD_MAX,
	KH2_CMD_MAX = (__KH2_CMD_MAX - 1)
};

#endif /* _UAPI_LINUX_KH2_NL_H */
