// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Responses: fields, informational ones, and bodies that are files. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "session.h"
#include "stream.h"

static const struct kh2_nv status_200 = {
	.name = ":status", .name_len = 7, .value = "200", .value_len = 3,
};

/* RFC 9110 6.4.1, 15.3.5, 15.3.6, 15.4.5 */
static bool has_no_body(const struct kh2_stream *st, int status)
{
	return st->req.head || status == 204 || status == 205 || status == 304;
}

static void take_priority(struct kh2_stream *st, const struct kh2_headers *h)
{
	struct kh2_priority prio = st->prio;
	const char *value;
	size_t len;

	value = h ? kh2_headers_get(h, "priority", &len) : NULL;
	if (value && kh2i_rules_priority(value, len, &prio))
		kh2_stream_set_priority(st, &prio);
}

static int may_respond(const struct kh2_stream *st)
{
	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	return st->responded ? KH2_ERR_HEADERS_SENT : 0;
}

int kh2_respond(struct kh2_stream *st, const struct kh2_headers *h,
		const struct kh2_respond_opts *options)
{
	struct kh2_respond_opts opts;
	int status, err = may_respond(st);
	bool end;

	if (err)
		return err;
	KH2I_OPTS_COPY(opts, options);
	status = kh2i_rules_status(h, 200, 599, 200);
	if (status < 0)
		return status;
	/* RFC 9113 8.5 */
	if (opts.wait_for_trailers && st->req.tunnel && status < 300)
		return -EINVAL;
	end = opts.end_stream || has_no_body(st, status);
	err = kh2i_session_send_block(st->session, st->id, end ? KH2_SQE_END_STREAM : 0, h,
				      h && kh2_headers_get(h, ":status", NULL) ? NULL :
				      &status_200);
	if (err)
		return err;
	st->responded = true;
	st->drop_body = end;
	st->local_closed = end;
	st->wait_trailers = opts.wait_for_trailers && !end;
	if (opts.end_stream)
		st->ended = true;
	kh2i_stream_touch(st);
	take_priority(st, h);
	return 0;
}

int kh2_stream_additional_headers(struct kh2_stream *st, const struct kh2_headers *h)
{
	int status, err = may_respond(st);

	if (err)
		return err;
	status = kh2i_rules_status(h, 100, 199, 0);
	if (status < 0)
		return status;
	if (status == 101)
		return KH2_ERR_STATUS_INVALID;
	kh2i_stream_touch(st);
	return kh2i_session_send_block(st->session, st->id, KH2_SQE_INFORMATIONAL, h, NULL);
}

/* ---- files ---- */

static void close_own(int fd, const struct kh2_file_opts *opts)
{
	if (!opts->kept_open)
		close(fd);
}

/* Gives the backend the descriptor, which is closed in any case unless it is kept open. */
static int submit_file(struct kh2_stream *st, int fd, const struct kh2_file_opts *opts,
		       const struct kh2_stat_opts *part)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_FILE, .fd = fd };
	struct kh2i_tx *tx;

	st->ended = true;
	if (st->drop_body || ((part->present & KH2_FILE_LENGTH) && !part->length)) {
		close_own(fd, opts);
		return st->drop_body ? 0 : kh2i_stream_submit_end(st);
	}
	if (kh2i_tx_new(st, &tx)) {
		close_own(fd, opts);
		return -ENOMEM;
	}
	/* from here on the backend closes it */
	tx->file = true;
	sqe.len = part->present & KH2_FILE_LENGTH ? part->length : KH2_LEN_EOF;
	sqe.offset = part->offset;
	sqe.user_data = (u64)(uintptr_t)tx;
	sqe.flags = st->wait_trailers ? KH2_SQE_TRAILERS : KH2_SQE_END_STREAM;
	if (opts->kept_open)
		sqe.flags |= KH2I_SQE_KEPT_OPEN;
	if (!st->wait_trailers)
		st->local_closed = true;
	st->end_sent = true;
	if (!kh2i_stream_submit(st, &sqe, NULL))
		return 0;
	kh2i_tx_free(st->session, tx);
	return -ENOMEM;
}

/* The fields are sent, so what goes wrong now resets the stream. */
static int send_file(struct kh2_stream *st, int fd, const struct kh2_headers *h,
		     const struct kh2_file_opts *opts, const struct kh2_stat_opts *part)
{
	const struct kh2_respond_opts respond = {
		.sz = sizeof(respond),
		.wait_for_trailers = opts->wait_for_trailers,
	};
	int err = kh2_respond(st, h, &respond);

	if (err) {
		close_own(fd, opts);
		return err;
	}
	err = submit_file(st, fd, opts, part);
	if (err)
		kh2i_stream_reset(st, err, KH2_INTERNAL_ERROR);
	return 0;
}

/* Clips the part to the file, for content-length. */
static void clip(struct kh2_stat_opts *part, const struct stat *stat)
{
	u64 size = stat->st_size > 0 ? (u64)stat->st_size : 0;
	u64 rest = part->offset < size ? size - part->offset : 0;

	if (!(part->present & KH2_FILE_LENGTH) || part->length > rest)
		part->length = rest;
	part->present |= KH2_FILE_LENGTH;
}

static int add_length(struct kh2_headers *h, const struct kh2_stat_opts *part)
{
	kh2_headers_remove(h, "content-length");
	return kh2_headers_add_int(h, "content-length", (int64_t)part->length);
}

/* Returns 0, KH2_STAT_CANCEL or an error. */
static int check_stat(struct kh2_stream *st, const struct stat *stat, struct kh2_headers *h,
		      const struct kh2_file_opts *opts, struct kh2_stat_opts *part)
{
	*part = (struct kh2_stat_opts){
		.present = opts->present & KH2_FILE_LENGTH,
		.offset = opts->offset,
		.length = opts->length,
	};
	return opts->stat_check ? opts->stat_check(st, stat, h, part, opts->user) : 0;
}

static int copy_or_new(struct kh2_headers **out, const struct kh2_headers *h)
{
	return h ? kh2_headers_copy(out, h) : kh2_headers_new(out);
}

/* The fields are copied if they are to be changed: @length asks for content-length. */
static bool needs_copy(const struct kh2_file_opts *opts, bool length)
{
	return opts->stat_check || length;
}

/* Takes fd. */
static int respond_with(struct kh2_stream *st, int fd, const struct stat *stat,
			const struct kh2_headers *h, const struct kh2_file_opts *opts, bool length)
{
	struct kh2_headers *own = NULL;
	struct kh2_stat_opts part;
	int err = needs_copy(opts, length) ? copy_or_new(&own, h) : 0;

	if (err) {
		close_own(fd, opts);
		return err;
	}
	err = check_stat(st, stat, own, opts, &part);
	if (!err && part.offset && !S_ISREG(stat->st_mode))
		err = -EINVAL;
	if (!err && length) {
		clip(&part, stat);
		err = add_length(own, &part);
	}
	if (err)
		close_own(fd, opts);
	else
		err = send_file(st, fd, own ? own : h, opts, &part);
	kh2_headers_free(own);
	return err == KH2_STAT_CANCEL ? 0 : err;
}

int kh2_respond_fd(struct kh2_stream *st, int fd, const struct kh2_headers *h,
		   const struct kh2_file_opts *options)
{
	struct kh2_file_opts opts;
	int own = fd, err = may_respond(st);
	struct stat stat;

	if (err)
		return err;
	KH2I_OPTS_COPY(opts, options);
	if (!opts.stat && fstat(fd, &stat))
		return -errno;
	opts.kept_open = opts.kept_open && opts.stat && S_ISREG(opts.stat->st_mode);
	if (!opts.kept_open)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return -errno;
	return respond_with(st, own, opts.stat ? opts.stat : &stat, h, &opts, false);
}

static int open_regular(const char *path, struct stat *stat)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (!fstat(fd, stat) && S_ISREG(stat->st_mode))
		return fd;
	err = S_ISREG(stat->st_mode) ? -errno : KH2_ERR_NOT_REGULAR_FILE;
	close(fd);
	return err;
}

int kh2_respond_file(struct kh2_stream *st, const char *path, const struct kh2_headers *h,
		     const struct kh2_file_opts *options)
{
	struct kh2_file_opts opts;
	int fd, err = may_respond(st);
	struct stat stat = { 0 };

	if (err)
		return err;
	KH2I_OPTS_COPY(opts, options);
	opts.kept_open = false;
	fd = open_regular(path, &stat);
	if (fd >= 0)
		return respond_with(st, fd, &stat, h, &opts, true);
	if (opts.on_error)
		opts.on_error(st, fd, opts.user);
	else
		kh2i_stream_reset(st, fd, KH2_INTERNAL_ERROR);
	return 0;
}
