// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What a session tells about itself. */
#include "session.h"
#include "stream.h"

void *kh2_session_user(const struct kh2_session *s)
{
	return s->user;
}

uint64_t kh2_session_id(const struct kh2_session *s)
{
	return s->id;
}

enum kh2_role kh2_session_role(const struct kh2_session *s)
{
	(void)s;
	return KH2_ROLE_SERVER;
}

struct kh2_server *kh2_session_server(const struct kh2_session *s)
{
	return s->server;
}

const char *kh2_session_alpn(const struct kh2_session *s)
{
	return s->tls ? "h2" : "h2c";
}

bool kh2_session_encrypted(const struct kh2_session *s)
{
	return s->tls;
}

bool kh2_session_is_closed(const struct kh2_session *s)
{
	return s->closing || s->destroyed;
}

bool kh2_session_is_destroyed(const struct kh2_session *s)
{
	return s->destroyed;
}

bool kh2_session_settings_pending(const struct kh2_session *s)
{
	return s->n_settings_out;
}

enum kh2_backend kh2_session_backend(const struct kh2_session *s, const char **why)
{
	if (why)
		*why = s->be->kind == KH2_BACKEND_KERNEL ? "" : s->why;
	return s->be->kind;
}

static int give_address(const struct sockaddr_storage *from, socklen_t from_len,
			struct sockaddr_storage *addr, socklen_t *len)
{
	if (!from_len)
		return -ENOTCONN;
	*addr = *from;
	*len = from_len;
	return 0;
}

int kh2_session_local_addr(const struct kh2_session *s, struct sockaddr_storage *addr,
			   socklen_t *len)
{
	return give_address(&s->local_addr, s->local_len, addr, len);
}

int kh2_session_peer_addr(const struct kh2_session *s, struct sockaddr_storage *addr,
			  socklen_t *len)
{
	return give_address(&s->peer_addr, s->peer_len, addr, len);
}

int kh2_session_state(const struct kh2_session *s, struct kh2_session_state *out, size_t sz)
{
	struct kh2_session_state state = { 0 };
	struct kh2e_info info;
	int err;

	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	err = s->be->info(s, &info);
	if (err)
		return err;
	state.streams = s->n_streams;
	state.next_stream_id = info.next_stream_id;
	state.last_proc_id = info.last_proc_id;
	state.local_window = info.local_window;
	state.effective_local_window = info.local_window_max;
	state.effective_recv_len = info.recv_unacked;
	state.remote_window = info.remote_window;
	state.outq_frames = info.out_frames;
	state.deflate_table = kh2i_hpack_deflate_size(&s->hpack);
	state.inflate_table = kh2i_hpack_inflate_size(&s->hpack);
	state.memory = info.memory;
	state.rtt_ns = info.rtt;
	memcpy(out, &state, sz < sizeof(state) ? sz : sizeof(state));
	return 0;
}

int kh2_session_counters(const struct kh2_session *s, uint64_t *out, size_t n)
{
	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	return s->be->counters(s, out, n);
}

void kh2_session_local_settings(const struct kh2_session *s, struct kh2_settings *out)
{
	*out = s->local;
}

void kh2_session_remote_settings(const struct kh2_session *s, struct kh2_settings *out)
{
	*out = s->remote;
}

struct kh2_stream *kh2_session_find_stream(const struct kh2_session *s, uint32_t id)
{
	return kh2i_session_find(s, id);
}
