/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* Every limit of a session, with default and range: one list for all who need it. */
#ifndef _UAPI_LINUX_KH2_LIMITS_H
#define _UAPI_LINUX_KH2_LIMITS_H

/*
 * KH2_LIMITS(X) expands X(NAME, name, default, min, max, meaning) for each
 * limit. The order is ABI: new ones go to the end. A budget has a burst and a
 * rate a second by which it refills.
 */
#define KH2_LIMITS(X) \
	X(STREAMS, streams, 128, 1, 65535, "peer's streams at once, until the application's work on them ends") \
	X(RESET_BURST, reset_burst, 1000, 1, 1000000, "resets, by the peer or provoked from us: burst") \
	X(RESET_RATE, reset_rate, 33, 0, 1000000, "resets: refill a second") \
	X(BLOCK_OCTETS, block_octets, 65536, 1024, 1048576, "octets of a header block, as received") \
	X(BLOCK_FRAMES, block_frames, 8, 1, 1024, "CONTINUATION frames of a header block") \
	X(SETTINGS_ACK_MS, settings_ack_ms, 10000, 100, 3600000, "milliseconds to acknowledge our SETTINGS") \
	X(SETTINGS_OUT, settings_out, 10, 1, 10, "SETTINGS of ours not yet acknowledged") \
	X(PINGS_OUT, pings_out, 10, 1, 64, "PINGs of ours not yet acknowledged") \
	X(REPLIES, replies, 1000, 10, 100000, "replies queued: acknowledgements and RST_STREAM") \
	X(PING_BURST, ping_burst, 1000, 1, 1000000, "PING: burst") \
	X(PING_RATE, ping_rate, 33, 0, 1000000, "PING: refill a second") \
	X(SETTINGS_BURST, settings_burst, 100, 1, 1000000, "SETTINGS, GOAWAY: burst") \
	X(SETTINGS_RATE, settings_rate, 10, 0, 1000000, "SETTINGS, GOAWAY: refill a second") \
	X(PRIORITY_BURST, priority_burst, 1000, 1, 1000000, "PRIORITY and PRIORITY_UPDATE: burst") \
	X(PRIORITY_RATE, priority_rate, 100, 0, 1000000, "PRIORITY: refill a second") \
	X(EMPTY_BURST, empty_burst, 100, 1, 1000000, "empty DATA without END_STREAM: burst") \
	X(EMPTY_RATE, empty_rate, 10, 0, 1000000, "empty DATA: refill a second") \
	X(WINDOW_BURST, window_burst, 10000, 1, 10000000, "WINDOW_UPDATE beyond those that DATA earned: burst") \
	X(WINDOW_RATE, window_rate, 1000, 0, 10000000, "WINDOW_UPDATE: refill a second") \
	X(UNKNOWN_BURST, unknown_burst, 1000, 1, 1000000, "frames of unknown type: burst") \
	X(UNKNOWN_RATE, unknown_rate, 100, 0, 1000000, "frames of unknown type: refill a second") \
	X(STALL_MS, stall_ms, 60000, 0, 86400000, "milliseconds that a stream with data may go without a full frame's progress, and a peer without acknowledging any; 0: no limit") \
	X(MEMORY, memory, 10485760, 65536, 1073741824, "octets that a session may hold before new streams are refused") \
	X(PREFACE_MS, preface_ms, 10000, 100, 3600000, "milliseconds for the connection preface, and for a header block or frame once begun") \
	X(IDLE_MS, idle_ms, 0, 0, 86400000, "milliseconds without a stream before the connection is closed; 0: no limit") \
	X(LINGER_MS, linger_ms, 5000, 0, 600000, "milliseconds that a close waits for data to be acknowledged") \
	X(PEER_STREAMS, peer_streams, 100, 0, 2147483647, "streams that a client may have before the server's first SETTINGS") \
	X(WINDOW_MAX, window_max, 8388608, 0, 1073741824, "octets that the receive window of a stream may grow to") \
	X(BODY_MS, body_ms, 60000, 0, 86400000, "milliseconds in which a request's body must bring 1,024 octets or its end, until the answer begins; 0: no limit")

#define KH2_LIMIT_ENUM(NAME, name, def, min, max, meaning) KH2_L_##NAME,
enum kh2_limit {
	KH2_LIMITS(KH2_LIMIT_ENUM)
	__KH2_L_END,
};

#undef KH2_LIMIT_ENUM

#endif /* _UAPI_LINUX_KH2_LIMITS_H */
