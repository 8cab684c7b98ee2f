/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* Every counter of a session, by name and meaning: one list for kernel, netlink, tools and docs. */
#ifndef _UAPI_LINUX_KH2_COUNTERS_H
#define _UAPI_LINUX_KH2_COUNTERS_H

/*
 * KH2_COUNTERS(X) expands X(NAME, name, meaning) for each counter. The order
 * is ABI: new ones go to the end.
 */
#define KH2_COUNTERS(X) \
	X(RX_OCTETS, rx_octets, "octets of HTTP/2 received") \
	X(TX_OCTETS, tx_octets, "octets of HTTP/2 sent") \
	X(RX_DATA, rx_data, "octets of DATA payload received, padding left out") \
	X(TX_DATA, tx_data, "octets of DATA payload sent, padding left out") \
	X(TX_SPLICED, tx_spliced, "octets of payload handed to the socket as pages") \
	X(TX_COPIED, tx_copied, "octets of payload copied into the socket") \
	X(RX_FRAME_DATA, rx_frame_data, "DATA frames received") \
	X(RX_FRAME_HEADERS, rx_frame_headers, "HEADERS frames received") \
	X(RX_FRAME_PRIORITY, rx_frame_priority, "PRIORITY frames received") \
	X(RX_FRAME_RST_STREAM, rx_frame_rst_stream, "RST_STREAM frames received") \
	X(RX_FRAME_SETTINGS, rx_frame_settings, "SETTINGS frames received") \
	X(RX_FRAME_PUSH_PROMISE, rx_frame_push_promise, "PUSH_PROMISE frames received") \
	X(RX_FRAME_PING, rx_frame_ping, "PING frames received") \
	X(RX_FRAME_GOAWAY, rx_frame_goaway, "GOAWAY frames received") \
	X(RX_FRAME_WINDOW_UPDATE, rx_frame_window_update, "WINDOW_UPDATE frames received") \
	X(RX_FRAME_CONTINUATION, rx_frame_continuation, "CONTINUATION frames received") \
	X(RX_FRAME_UNKNOWN, rx_frame_unknown, "frames of other types received and ignored") \
	X(TX_FRAME_DATA, tx_frame_data, "DATA frames sent") \
	X(TX_FRAME_HEADERS, tx_frame_headers, "HEADERS frames sent") \
	X(TX_FRAME_PRIORITY, tx_frame_priority, "PRIORITY frames sent") \
	X(TX_FRAME_RST_STREAM, tx_frame_rst_stream, "RST_STREAM frames sent") \
	X(TX_FRAME_SETTINGS, tx_frame_settings, "SETTINGS frames sent") \
	X(TX_FRAME_PUSH_PROMISE, tx_frame_push_promise, "PUSH_PROMISE frames sent") \
	X(TX_FRAME_PING, tx_frame_ping, "PING frames sent") \
	X(TX_FRAME_GOAWAY, tx_frame_goaway, "GOAWAY frames sent") \
	X(TX_FRAME_WINDOW_UPDATE, tx_frame_window_update, "WINDOW_UPDATE frames sent") \
	X(TX_FRAME_CONTINUATION, tx_frame_continuation, "CONTINUATION frames sent") \
	X(TX_FRAME_UNKNOWN, tx_frame_unknown, "frames of extension types sent") \
	X(STREAMS_OPENED, streams_opened, "streams opened, by either side") \
	X(STREAMS_COMPLETED, streams_completed, "streams ended by END_STREAM on both sides") \
	X(STREAMS_RESET_BY_PEER, streams_reset_by_peer, "streams ended by the peer's RST_STREAM") \
	X(STREAMS_RESET_BY_US, streams_reset_by_us, "streams ended by our RST_STREAM") \
	X(STALL_EVENT_RING, stall_event_ring, "times receiving stopped for want of room in the event ring") \
	X(STALL_STREAM_WINDOW, stall_stream_window, "times a stream with data found its window shut") \
	X(STALL_CONN_WINDOW, stall_conn_window, "times streams with data found the connection window shut") \
	X(DISCARDED_DATA, discarded_data, "octets of DATA dropped, for streams that had ended") \
	X(DISCARDED_BLOCKS, discarded_blocks, "header blocks decoded only, for streams that were refused or had ended") \
	X(REFUSED_CONCURRENCY, refused_concurrency, "streams refused: too many at once (RFC 9113 5.1.2)") \
	X(REFUSED_MEMORY, refused_memory, "streams refused: session over its memory limit") \
	X(REFUSED_SHUTDOWN, refused_shutdown, "streams ignored: opened after our GOAWAY") \
	X(STREAM_WINDOW_OVERFLOW, stream_window_overflow, "stream errors: WINDOW_UPDATE past 2^31-1 (6.9.1)") \
	X(STREAM_WINDOW_ZERO, stream_window_zero, "stream errors: WINDOW_UPDATE of 0 (6.9)") \
	X(STREAM_WINDOW_EXCEEDED, stream_window_exceeded, "stream errors: DATA past our window (6.9.1)") \
	X(STREAM_HALF_CLOSED, stream_half_closed, "stream errors: frame after END_STREAM (5.1)") \
	X(STREAM_CLOSED, stream_closed, "stream errors: frame on a stream that had ended (5.1)") \
	X(STREAM_SELF_DEPENDENCY, stream_self_dependency, "stream errors: stream depends on itself (5.3.1 of RFC 7540)") \
	X(STREAM_PRIORITY_SIZE, stream_priority_size, "stream errors: PRIORITY not of 5 octets (6.3)") \
	X(STREAM_STALLED, stream_stalled, "stream errors: no progress within the stall limit") \
	X(STREAM_SOURCE, stream_source, "stream errors: source failed or ended early") \
	X(CONN_PREFACE, conn_preface, "connection errors: preface is not HTTP/2's (3.4)") \
	X(CONN_PREFACE_HTTP1, conn_preface_http1, "connection errors: preface is an HTTP/1 request") \
	X(CONN_PREFACE_TIMEOUT, conn_preface_timeout, "connection errors: preface did not come in time") \
	X(CONN_FIRST_FRAME, conn_first_frame, "connection errors: first frame is not SETTINGS (3.4)") \
	X(CONN_FRAME_SIZE, conn_frame_size, "connection errors: frame longer than SETTINGS_MAX_FRAME_SIZE (4.2)") \
	X(CONN_FRAME_LENGTH, conn_frame_length, "connection errors: length that the frame's type forbids (6)") \
	X(CONN_FRAME_STREAM, conn_frame_stream, "connection errors: stream identifier that the frame's type forbids (6)") \
	X(CONN_STREAM_IDLE, conn_stream_idle, "connection errors: frame on an idle stream (5.1)") \
	X(CONN_STREAM_ID, conn_stream_id, "connection errors: stream identifier not new or of wrong parity (5.1.1)") \
	X(CONN_STREAM_CLOSED, conn_stream_closed, "connection errors: frame on a stream ended by END_STREAM (5.1)") \
	X(CONN_PADDING, conn_padding, "connection errors: padding longer than the frame (6.1)") \
	X(CONN_SETTINGS_VALUE, conn_settings_value, "connection errors: setting out of range (6.5.2)") \
	X(CONN_SETTINGS_ACK, conn_settings_ack, "connection errors: SETTINGS ACK that answers nothing") \
	X(CONN_SETTINGS_TIMEOUT, conn_settings_timeout, "connection errors: our SETTINGS not acknowledged in time (6.5.3)") \
	X(CONN_WINDOW_OVERFLOW, conn_window_overflow, "connection errors: window past 2^31-1 (6.9.1)") \
	X(CONN_WINDOW_ZERO, conn_window_zero, "connection errors: WINDOW_UPDATE of 0 on the connection (6.9)") \
	X(CONN_WINDOW_EXCEEDED, conn_window_exceeded, "connection errors: DATA past our connection window (6.9.1)") \
	X(CONN_CONTINUATION, conn_continuation, "connection errors: CONTINUATION missing, or without a block (6.10)") \
	X(CONN_PUSH, conn_push, "connection errors: PUSH_PROMISE that is not allowed (6.6)") \
	X(CONN_GOAWAY_ID, conn_goaway_id, "connection errors: GOAWAY raises the last stream (6.8)") \
	X(FLOOD_HEADER_BLOCK, flood_header_block, "connection errors: header block over its limit of octets or frames") \
	X(FLOOD_RESET, flood_reset, "connection errors: resets, by the peer or provoked, over budget") \
	X(FLOOD_REPLY, flood_reply, "connection errors: replies queued over limit") \
	X(FLOOD_PING, flood_ping, "connection errors: PING over budget") \
	X(FLOOD_SETTINGS, flood_settings, "connection errors: SETTINGS or GOAWAY over budget") \
	X(FLOOD_PRIORITY, flood_priority, "connection errors: PRIORITY over budget") \
	X(FLOOD_EMPTY_DATA, flood_empty_data, "connection errors: empty DATA over budget") \
	X(FLOOD_WINDOW_UPDATE, flood_window_update, "connection errors: WINDOW_UPDATE over budget") \
	X(FLOOD_UNKNOWN, flood_unknown, "connection errors: frames of unknown type over budget") \
	X(CONN_HPACK, conn_hpack, "connection errors: header block that does not decode") \
	X(CONN_USER, conn_user, "connections closed at once, by the owner or an administrator") \
	X(CONN_ABI, conn_abi, "connections closed: the owner broke the rules of the channel") \
	X(CONN_MEMORY, conn_memory, "connection errors: memory could not be had") \
	X(CONN_IDLE, conn_idle, "connections closed: idle limit") \
	X(CONN_TRANSPORT, conn_transport, "connections ended by an error of the socket") \
	X(TLS_ALERT, tls_alert, "connections ended by a TLS alert other than close_notify") \
	X(TLS_KEY_UPDATE, tls_key_update, "connections ended: TLS KeyUpdate that the kernel cannot follow") \
	X(TLS_RECORD, tls_record, "connections ended: TLS record of a type not expected, or bad") \
	X(CONN_PRIORITY_UPDATE, conn_priority_update, "connection errors: PRIORITY_UPDATE that is not allowed (7.1 of RFC 9218)") \
	X(WINDOW_GROWN, window_grown, "times a stream's receive window grew") \
	X(WINDOW_SHRUNK, window_shrunk, "times a stream's receive window shrank: not used, or others had less") \
	X(PING_PROBES, ping_probes, "PINGs of our own that measured the path") \
	X(CONN_FRAME_TIMEOUT, conn_frame_timeout, "connection errors: frame begun and not ended in time") \
	X(CONN_STALLED, conn_stalled, "connections ended: nothing was acknowledged within the stall limit") \
	X(REFUSED_HEADER_LIST, refused_header_list, "requests refused: header list over its limit of octets or fields") \
	X(FLOOD_HEADER_LIST, flood_header_list, "connection errors: header list far over its limit") \
	X(STREAM_MALFORMED, stream_malformed, "stream errors: message is malformed (8.1.1)") \
	X(STREAM_SLOW_BODY, stream_slow_body, "stream errors: a request's body came more slowly than its limit") \
	X(TLS_EMPTY, tls_empty, "connections ended: TLS records without octets of HTTP/2, and nothing else")

#define KH2_COUNTER_ENUM(NAME, name, meaning) KH2_C_##NAME,
enum kh2_counter {
	KH2_COUNTERS(KH2_COUNTER_ENUM)
	__KH2_C_END,
};

#undef KH2_COUNTER_ENUM

#endif /* _UAPI_LINUX_KH2_COUNTERS_H */
