/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: sessions, frames, events to userspace, sending. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kh2

#if !defined(KH2_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KH2_TRACE_H

#include <linux/tracepoint.h>
#include <linux/kh2.h>

TRACE_EVENT(kh2_session_new,
	    TP_PROTO(u32 session, u32 channel, u8 role, bool tls),
	    TP_ARGS(session, channel, role, tls),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(u32, channel)
			     __field(u8, role)
			     __field(bool, tls)),
	    TP_fast_assign(__entry->session = session;
			   __entry->channel = channel;
			   __entry->role = role;
			   __entry->tls = tls;),
	    TP_printk("session=%u channel=%u role=%u tls=%d", __entry->session,
		      __entry->channel, __entry->role, __entry->tls)
);

/* counters: by enum kh2_counter, for BPF programs; a pointer, so it is not recorded */
TRACE_EVENT(kh2_session_gone,
	    TP_PROTO(u32 session, int error, u32 why, const u64 *counters),
	    TP_ARGS(session, error, why, counters),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(int, error)
			     __field(u32, why)),
	    TP_fast_assign(__entry->session = session;
			   __entry->error = error;
			   __entry->why = why;),
	    TP_printk("session=%u error=%d why=%u", __entry->session, __entry->error,
		      __entry->why)
);

TRACE_EVENT(kh2_frame,
	    TP_PROTO(u32 session, bool sent, u32 len, u8 type, u8 flags, u32 stream),
	    TP_ARGS(session, sent, len, type, flags, stream),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(u32, stream)
			     __field(u32, len)
			     __field(u8, type)
			     __field(u8, flags)
			     __field(bool, sent)),
	    TP_fast_assign(__entry->session = session;
			   __entry->stream = stream;
			   __entry->len = len;
			   __entry->type = type;
			   __entry->flags = flags;
			   __entry->sent = sent;),
	    TP_printk("session=%u %s stream=%u type=%#x flags=%#x len=%u", __entry->session,
		      __entry->sent ? "sent" : "received", __entry->stream, __entry->type,
		      __entry->flags, __entry->len)
);

/* What userspace is told: streams that begin, end, are reset, and the rest. */
TRACE_EVENT(kh2_event,
	    TP_PROTO(u32 session, const struct kh2_event *ev),
	    TP_ARGS(session, ev),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(u32, stream)
			     __field(u32, len)
			     __field(u32, code)
			     __field(u64, arg)
			     __field(u16, type)
			     __field(u16, flags)),
	    TP_fast_assign(__entry->session = session;
			   __entry->stream = ev->stream;
			   __entry->len = ev->len;
			   __entry->code = ev->code;
			   __entry->arg = ev->arg;
			   __entry->type = ev->type;
			   __entry->flags = ev->flags;),
	    TP_printk("session=%u stream=%u type=%u flags=%#x len=%u code=%u arg=%llu",
		      __entry->session, __entry->stream, __entry->type, __entry->flags,
		      __entry->len, __entry->code, __entry->arg)
);

TRACE_EVENT(kh2_send,
	    TP_PROTO(u32 session, u32 asked, int sent, bool spliced, bool more),
	    TP_ARGS(session, asked, sent, spliced, more),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(u32, asked)
			     __field(int, sent)
			     __field(bool, spliced)
			     __field(bool, more)),
	    TP_fast_assign(__entry->session = session;
			   __entry->asked = asked;
			   __entry->sent = sent;
			   __entry->spliced = spliced;
			   __entry->more = more;),
	    TP_printk("session=%u asked=%u sent=%d spliced=%d more=%d", __entry->session,
		      __entry->asked, __entry->sent, __entry->spliced, __entry->more)
);

/* Flow: a session stopped for want of room at the socket, or in the event ring. */
TRACE_EVENT(kh2_stall,
	    TP_PROTO(u32 session, bool ring),
	    TP_ARGS(session, ring),
	    TP_STRUCT__entry(__field(u32, session)
			     __field(bool, ring)),
	    TP_fast_assign(__entry->session = session;
			   __entry->ring = ring;),
	    TP_printk("session=%u for %s", __entry->session, __entry->ring ? "ring" : "socket")
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
