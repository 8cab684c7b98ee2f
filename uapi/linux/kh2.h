/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* The ring ABI between kh2.ko and its users: submission entries, events, ioctls and mappings. */
#ifndef _UAPI_LINUX_KH2_H
#define _UAPI_LINUX_KH2_H

#include <linux/types.h>

/*
 * A channel is a file descriptor, made by the netlink command KH2_CMD_CHANNEL_NEW.
 * Its memory is mapped in five parts, each at a fixed mmap() offset; the sizes
 * are told by KH2_IOC_INFO. Fields that are reserved must be zero, flags that
 * are unknown are refused with EINVAL.
 */
#define KH2_MMAP_KERNEL	0x00000000ULL	/* struct kh2_ring_kernel, PROT_READ only */
#define KH2_MMAP_USER	0x01000000ULL	/* struct kh2_ring_user */
#define KH2_MMAP_SQ	0x02000000ULL	/* struct kh2_sqe[sq_entries] */
#define KH2_MMAP_EV	0x10000000ULL	/* event ring, mapped twice in a row, PROT_READ only */
#define KH2_MMAP_TX	0x40000000ULL	/* transmit area */

/* Feature bits of struct kh2_channel_info */
#define KH2_FEAT_FILE		(1ULL << 0)	/* KH2_OP_FILE on regular files with a page cache */
#define KH2_FEAT_FILE_COPY	(1ULL << 1)	/* KH2_OP_FILE on pipes */

/**
 * struct kh2_channel_info - what KH2_IOC_INFO tells of a channel
 * @features: KH2_FEAT_* bits
 * @sq_entries: entries of the submission queue, a power of two
 * @ev_bytes: octets of the event ring (mapped at twice this size), a power of two
 * @tx_bytes: octets of the transmit area, a multiple of the page size
 * @id: number of the channel within its network namespace
 */
struct kh2_channel_info {
	__u64 features;
	__u32 sq_entries;
	__u32 ev_bytes;
	__u32 tx_bytes;
	__u32 id;
};

/**
 * struct kh2_ring_kernel - positions written by the kernel alone
 * @sq_head: entries consumed; free running
 * @flags: KH2_RING_* bits
 * @ev_tail: octets of events produced; free running
 */
struct kh2_ring_kernel {
	__u32 sq_head;
	__u32 flags;
	__u64 ev_tail;
};

/* Sessions have work that only KH2_IOC_ENTER or a kernel worker will do. */
#define KH2_RING_READY	(1U << 0)

/**
 * struct kh2_ring_user - positions written by userspace alone
 * @sq_tail: entries produced; free running
 * @__reserved: zero
 * @ev_head: octets of events consumed; free running, a multiple of eight
 */
struct kh2_ring_user {
	__u32 sq_tail;
	__u32 __reserved;
	__u64 ev_head;
};

/**
 * struct kh2_enter - argument of KH2_IOC_ENTER
 * @to_submit: entries to consume at the most
 * @flags: zero
 *
 * Consumes submission entries in the caller's context (descriptors in them
 * resolve there), runs receive work that is waiting, and sends. Returns the
 * number of entries consumed, which is less than @to_submit when the event
 * ring has no room for their results.
 */
struct kh2_enter {
	__u32 to_submit;
	__u32 flags;
};

#define KH2_IOC_MAGIC	0xb2
#define KH2_IOC_INFO	_IOR(KH2_IOC_MAGIC, 0, struct kh2_channel_info)
#define KH2_IOC_ENTER	_IOW(KH2_IOC_MAGIC, 1, struct kh2_enter)

/**
 * enum kh2_op - what a submission entry asks for
 * @KH2_OP_NOP: nothing
 * @KH2_OP_HEADERS: send the encoded header block at @addr/@len on @stream; a
 *	client opens the stream by it, and may say there on what it depends:
 *	KH2_SQE_PRIORITY, and @value and @code as of KH2_OP_DEPEND; the peer is told,
 *	unless it ignores that. KH2_SQE_END_STREAM ends our side; a server's
 *	informational (1xx) response says so by KH2_SQE_INFORMATIONAL, for it is no
 *	answer yet, and no body may follow it. Copied before the call returns.
 * @KH2_OP_PUSH_PROMISE: promise stream @value on @stream; block at @addr/@len.
 *	Copied.
 * @KH2_OP_DATA: queue the octets at @addr/@len; lent until KH2_EV_TX_DONE,
 *	unless KH2_SQE_COPY is set.
 * @KH2_OP_FILE: queue @len octets (KH2_LEN_EOF: all) from @offset of file @fd
 * @KH2_OP_RST: end the stream with RST_STREAM @code; ends our work on it
 * @KH2_OP_RELEASE: our work on a stream that was reset has ended; with KH2_SQE_SEEN
 *	it goes on, but no header block follows on the stream
 * @KH2_OP_CONSUME: @len octets of DATA were consumed by the application; not
 *	needed for what KH2_OP_RST and KH2_OP_RELEASE end
 * @KH2_OP_SETTINGS: send SETTINGS; struct kh2_setting array at @addr/@len
 * @KH2_OP_SETTINGS_ACK: acknowledge the oldest SETTINGS whose event carried
 *	KH2_EVF_ACK_WANTED; no DATA leaves while any of these wait
 * @KH2_OP_PING: send PING with the eight octets in @offset, in memory order;
 *	KH2_SQE_STAMP: the time of sending (ns, little endian) instead
 * @KH2_OP_GOAWAY: send GOAWAY @code, last stream @value (with
 *	KH2_SQE_LAST_ID; otherwise the last processed), debug data at
 *	@addr/@len; nothing is shut by it
 * @KH2_OP_SHUTDOWN: graceful: GOAWAY, refuse new streams, let the others end,
 *	then close
 * @KH2_OP_CLOSE: GOAWAY @code and close now
 * @KH2_OP_PRIORITY: set urgency (@value bits 0-2) and incremental (bit 3) of
 *	@stream, RFC 9218. A client tells the server by PRIORITY_UPDATE, unless
 *	KH2_SQE_SILENT is set. KH2_SQE_INITIAL: these are the peer's, from its
 *	request; a PRIORITY_UPDATE that has come overrides them
 * @KH2_OP_EXTENSION: servers: send a frame of type @value (KH2_FRAME_ALTSVC,
 *	KH2_FRAME_ORIGIN), payload at @addr/@len
 * @KH2_OP_MEMORY: userspace holds @len octets on behalf of @session
 * @KH2_OP_DEPEND: @stream depends on stream @value (bits 0-30; 0: on none),
 *	exclusively if bit 31 is set, with weight @code, 1 to 256; RFC 7540 5.3. The
 *	peer is told by PRIORITY unless KH2_SQE_SILENT is set
 * @KH2_OP_BLAME: the peer did what userspace alone can tell, counter @value:
 *	KH2_C_STREAM_MALFORMED is counted; KH2_C_REFUSED_HEADER_LIST draws on the
 *	budget of resets besides; KH2_C_FLOOD_HEADER_LIST ends the connection with
 *	ENHANCE_YOUR_CALM
 * @KH2_OP_PATIENCE: the peer may take its time over @stream: KH2_L_BODY_MS does not
 *	hold for it. For tunnels, and calls that last
 */
enum kh2_op {
	KH2_OP_NOP,
	KH2_OP_HEADERS,
	KH2_OP_PUSH_PROMISE,
	KH2_OP_DATA,
	KH2_OP_FILE,
	KH2_OP_RST,
	KH2_OP_RELEASE,
	KH2_OP_CONSUME,
	KH2_OP_SETTINGS,
	KH2_OP_SETTINGS_ACK,
	KH2_OP_PING,
	KH2_OP_GOAWAY,
	KH2_OP_SHUTDOWN,
	KH2_OP_CLOSE,
	KH2_OP_PRIORITY,
	KH2_OP_EXTENSION,
	KH2_OP_MEMORY,
	KH2_OP_DEPEND,
	KH2_OP_BLAME,
	KH2_OP_PATIENCE,
	__KH2_OP_END,
};

/* Flags of a submission entry; one bit may serve opcodes that have nothing in common */
#define KH2_SQE_END_STREAM	(1U << 0)	/* HEADERS, DATA, FILE: our side ends with it */
#define KH2_SQE_SEEN		(1U << 0)	/* RELEASE: the reset is known, no more than that */
#define KH2_SQE_TRAILERS	(1U << 1)	/* DATA, FILE: KH2_EV_WANT_TRAILERS when sent */
#define KH2_SQE_COPY		(1U << 2)	/* DATA: copy now, no KH2_EV_TX_DONE */
#define KH2_SQE_PRIORITY	(1U << 2)	/* HEADERS: @value and @code say a dependency */
#define KH2_SQE_STAMP		(1U << 3)	/* PING: the kernel writes the payload */
#define KH2_SQE_LAST_ID		(1U << 4)	/* GOAWAY: @value holds the last stream */
#define KH2_SQE_INFORMATIONAL	(1U << 4)	/* HEADERS: another block, the answer, follows */
#define KH2_SQE_SILENT		(1U << 5)	/* PRIORITY, DEPEND: nothing is sent */
#define KH2_SQE_NOTIFY		(1U << 5)	/* DATA: KH2_EV_TX_DONE in spite of KH2_SQE_COPY */
#define KH2_SQE_INITIAL		(1U << 6)	/* PRIORITY: what the request's field says */

#define KH2_LEN_EOF	(~0ULL)

/**
 * struct kh2_sqe - one submission
 * @opcode: enum kh2_op
 * @flags: KH2_SQE_* bits
 * @__reserved0: zero
 * @session: number given by attach
 * @stream: stream identifier, 0 for the connection
 * @fd: FILE: descriptor; otherwise zero
 * @addr: offset into the transmit area
 * @len: octets
 * @offset: FILE: position; PING: payload; otherwise zero
 * @code: HTTP/2 error code
 * @value: see enum kh2_op
 * @user_data: returned in KH2_EV_TX_DONE and KH2_EV_SQE_ERROR
 * @__reserved1: zero
 */
struct kh2_sqe {
	__u8 opcode;
	__u8 flags;
	__u16 __reserved0;
	__u32 session;
	__u32 stream;
	__s32 fd;
	__u64 addr;
	__u64 len;
	__u64 offset;
	__u32 code;
	__u32 value;
	__u64 user_data;
	__u64 __reserved1;
};

/**
 * struct kh2_setting - one SETTINGS parameter, host byte order
 * @id: identifier, RFC 9113 6.5.2
 * @__reserved: zero
 * @value: value
 */
struct kh2_setting {
	__u16 id;
	__u16 __reserved;
	__u32 value;
};

/**
 * enum kh2_ev - what an event says
 * @KH2_EV_PAD: skip; fills the ring
 * @KH2_EV_SETTINGS: the peer's SETTINGS took effect; struct kh2_setting array.
 *	KH2_EVF_ACK_WANTED: answer with KH2_OP_SETTINGS_ACK
 * @KH2_EV_SETTINGS_ACK: our oldest SETTINGS took effect; struct kh2_setting array
 * @KH2_EV_HEADERS: a whole header block; @code: flags of the frame; @arg: the
 *	priority, see KH2_PRIO_*. KH2_EVF_DISCARD: decode only. KH2_EVF_URGENCY:
 *	a PRIORITY_UPDATE came before it
 * @KH2_EV_PUSH_PROMISE: a whole header block; @code: promised stream
 * @KH2_EV_DATA: octets of a body, in order; KH2_EVF_END_STREAM on the last
 * @KH2_EV_RESET: the stream ended by RST_STREAM @code; @arg: enum kh2_counter
 *	that says why, KH2_C_STREAMS_RESET_BY_US: an administrator, or a part of its
 *	body that failed (KH2_EV_SQE_ERROR). KH2_EVF_LOCAL: by us; our RST_STREAM
 *	follows the answer, for blocks that were submitted meanwhile go before it.
 *	Answer with KH2_OP_RELEASE, or with KH2_SQE_SEEN first. A request that the
 *	peer never looked at has KH2_REFUSED_STREAM (0x7) and not KH2_EVF_LOCAL, by
 *	its RST_STREAM or its GOAWAY (KH2_C_REFUSED_SHUTDOWN), and may be tried again
 * @KH2_EV_CLOSED: the stream ended, both sides with END_STREAM; or, after
 *	KH2_OP_RST, the frame is queued
 * @KH2_EV_TX_DONE: the octets of a DATA or FILE entry left; @arg: user_data; 0 in
 *	@code, or a positive errno when they did not
 * @KH2_EV_WANT_TRAILERS: everything queued on the stream left and was flagged
 *	KH2_SQE_TRAILERS
 * @KH2_EV_PING: a PING arrived and was answered; 8 octets
 * @KH2_EV_PING_ACK: our PING came back; 8 octets; @arg: round trip, ns
 * @KH2_EV_GOAWAY: GOAWAY arrived; @code; @stream: last stream; debug data
 * @KH2_EV_PRIORITY: PRIORITY_UPDATE of a stream that is open arrived, and was
 *	carried out; @arg: KH2_PRIO_URGENCY, KH2_PRIO_INCREMENTAL
 * @KH2_EV_EXTENSION: ALTSVC or ORIGIN arrived (clients), unless it is to be
 *	ignored; its type in @code, flags in @arg
 * @KH2_EV_SQE_ERROR: an entry failed; @code: positive errno; @arg: user_data. If it was
 *	KH2_OP_DATA or KH2_OP_FILE on a stream that takes DATA, KH2_EV_RESET follows:
 *	the rest of a body is not to pass for the whole
 * @KH2_EV_IDLE: the last stream of a session in shutdown ended
 * @KH2_EV_ERROR: the connection failed; @code: HTTP/2 code of our GOAWAY; why in
 *	@arg, an enum kh2_counter
 * @KH2_EV_GONE: the session is no more, last event of it; @code: positive
 *	errno, 0 for an orderly end
 */
enum kh2_ev {
	KH2_EV_PAD,
	KH2_EV_SETTINGS,
	KH2_EV_SETTINGS_ACK,
	KH2_EV_HEADERS,
	KH2_EV_PUSH_PROMISE,
	KH2_EV_DATA,
	KH2_EV_RESET,
	KH2_EV_CLOSED,
	KH2_EV_TX_DONE,
	KH2_EV_WANT_TRAILERS,
	KH2_EV_PING,
	KH2_EV_PING_ACK,
	KH2_EV_GOAWAY,
	KH2_EV_PRIORITY,
	KH2_EV_EXTENSION,
	KH2_EV_SQE_ERROR,
	KH2_EV_IDLE,
	KH2_EV_ERROR,
	KH2_EV_GONE,
	__KH2_EV_END,
};

/* Flags of an event */
#define KH2_EVF_END_STREAM	(1U << 0)	/* HEADERS, DATA: the peer's side ended */
#define KH2_EVF_DISCARD		(1U << 1)	/* HEADERS, PUSH_PROMISE: decode, do not act */
#define KH2_EVF_LOCAL		(1U << 2)	/* RESET: by us, not by the peer */
#define KH2_EVF_ACK_WANTED	(1U << 3)	/* SETTINGS */
#define KH2_EVF_PRIORITY	(1U << 4)	/* HEADERS: @arg holds a dependency */
#define KH2_EVF_URGENCY		(1U << 5)	/* HEADERS, PRIORITY: @arg holds an urgency */

/* Priority in @arg: stream dependency, weight less one, exclusive; urgency, incremental */
#define KH2_PRIO_DEP(arg)	((__u32)((arg) & 0x7fffffff))
#define KH2_PRIO_WEIGHT(arg)	((__u32)(((arg) >> 32) & 0xff))
#define KH2_PRIO_EXCL(arg)	((__u32)(((arg) >> 40) & 1))
#define KH2_PRIO_URGENCY(arg)	((__u32)(((arg) >> 41) & 7))
#define KH2_PRIO_INCREMENTAL(arg) ((__u32)(((arg) >> 44) & 1))

/**
 * struct kh2_event - head of a record in the event ring
 * @size: octets of the whole record, head and payload, a multiple of eight
 * @type: enum kh2_ev
 * @flags: KH2_EVF_* bits
 * @session: number given by attach
 * @stream: stream identifier, 0 for the connection
 * @len: octets of payload behind the head
 * @code: see enum kh2_ev
 * @arg: see enum kh2_ev
 */
struct kh2_event {
	__u32 size;
	__u16 type;
	__u16 flags;
	__u32 session;
	__u32 stream;
	__u32 len;
	__u32 code;
	__u64 arg;
};

#endif /* _UAPI_LINUX_KH2_H */
