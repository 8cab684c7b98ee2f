// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Reads vectors and runs each: as it is, and cut at every place with the same result wanted. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "home.h"
#include "vec.h"

#define MAX_LINES 400
#define MAX_WORDS 40000
#define ALL_SPLITS 1024	/* beyond so many octets only some of the places are tried */
#define SPLIT_STEP 211

struct vec {
	char *name;
	char *lines[MAX_LINES];
	int n_lines;
};

struct buf {
	u8 *p;
	size_t n, cap;
};

static void put(struct buf *b, const void *p, size_t n)
{
	if (b->n + n + 1 > b->cap) {
		b->cap = (b->n + n + 1) * 2;
		b->p = realloc(b->p, b->cap);
		if (!b->p)
			abort();
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

static void put_str(struct buf *b, const char *s)
{
	put(b, s, strlen(s));
}

static const char *const code_names[] = {
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
	"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
};

#define COUNTER_NAME(NAME, name, meaning) #name,
static const char *const counter_names[] = { KH2_COUNTERS(COUNTER_NAME) };

#define LIMIT_NAME(NAME, name, def, min, max, meaning) #name,
static const char *const limit_names[] = { KH2_LIMITS(LIMIT_NAME) };

static int lookup(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], word))
			return i;
	FAIL("unknown word in a vector: %s", word);
}

static u64 number(const char *word)
{
	char *end;
	u64 v = strtoull(word, &end, 0);

	if (*end || !isdigit((unsigned char)*word))
		FAIL("not a number in a vector: %s", word);
	return v;
}

static u32 code_of(const char *word)
{
	return isdigit((unsigned char)*word) ? number(word) :
		(u32)lookup(code_names, ARRAY_SIZE(code_names), word);
}

/* Words of a line, at most so many; the line is cut */
static int split(char *line, char **words, int max)
{
	int n = 0;

	for (char *w = strtok(line, " \t"); w; w = strtok(NULL, " \t")) {
		CHECK(n < max);
		words[n++] = w;
	}
	return n;
}

/* hex digits, spaces anywhere; XX*N repeats an octet, "text" stands for itself */
static void put_hex(struct buf *b, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		const char *w = words[i];
		char *star = strchr(w, '*');
		unsigned int v;

		if (*w == '"') {
			put(b, w + 1, strlen(w) - 2);
			continue;
		}
		for (const char *c = w; *c && *c != '*'; c += 2) {
			u8 octet;
			u64 times = star && c + 2 == star ? number(star + 1) : 1;

			if (!isxdigit((unsigned char)c[0]) || !isxdigit((unsigned char)c[1]) ||
			    sscanf(c, "%2x", &v) != 1)
				FAIL("not hex in a vector: %s", w);
			octet = v;
			while (times--)
				put(b, &octet, 1);
		}
	}
}

/* -- running -- */

struct run {
	struct home *h;
	struct buf in;		/* waits to be fed */
	struct buf want_ev;	/* lines */
	struct buf want_out;
	size_t fed;
	size_t cut;		/* feed this many first, then the rest; 0: all at once */
	bool raw;
	bool dies;
	bool drains;
	u32 counters[8];
	int n_counters;
};

static void flush_in(struct run *r)
{
	size_t n = r->in.n, first = n;

	if (r->cut > r->fed && r->cut < r->fed + n)
		first = r->cut - r->fed;
	if (first)
		feed(r->h, r->in.p, first);
	if (n > first)
		feed(r->h, r->in.p + first, n - first);
	r->fed += n;
	r->in.n = 0;
	pump(r->h);
}

static void start(struct run *r, size_t chunk)
{
	if (r->h->e)
		return;
	home_start(r->h);
	if (!r->raw)
		home_handshake(r->h);
	r->h->chunk = chunk;
}

static void do_submit(struct run *r, char **w, int n)
{
	static const struct {
		const char *name;
		u8 op;
	} ops[] = {
		{ "headers", KH2_OP_HEADERS }, { "data", KH2_OP_DATA }, { "rst", KH2_OP_RST },
		{ "release", KH2_OP_RELEASE }, { "consume", KH2_OP_CONSUME },
		{ "settings", KH2_OP_SETTINGS }, { "settings_ack", KH2_OP_SETTINGS_ACK },
		{ "ping", KH2_OP_PING }, { "shutdown", KH2_OP_SHUTDOWN },
		{ "close", KH2_OP_CLOSE }, { "goaway", KH2_OP_GOAWAY },
		{ "push_promise", KH2_OP_PUSH_PROMISE }, { "priority", KH2_OP_PRIORITY },
		{ "depend", KH2_OP_DEPEND },
	};
	struct kh2_sqe sqe = { 0 };
	struct buf payload = { 0 };
	u64 arg = 0;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(ops) && strcmp(ops[i].name, w[0]); i++)
		;
	if (i == ARRAY_SIZE(ops))
		FAIL("unknown submit: %s", w[0]);
	sqe.opcode = ops[i].op;
	for (i = 1; i < n && strcmp(w[i], ":"); i++) {
		if (!strcmp(w[i], "end_stream"))
			sqe.flags |= KH2_SQE_END_STREAM;
		else if (!strcmp(w[i], "trailers"))
			sqe.flags |= KH2_SQE_TRAILERS;
		else if (!strncmp(w[i], "weight=", 7))
			sqe.code = number(w[i] + 7);
		else if (!strncmp(w[i], "parent=", 7))
			sqe.value |= number(w[i] + 7);
		else if (!strcmp(w[i], "exclusive"))
			sqe.value |= ~KH2_ID_MAX;
		else if (i == 1)
			sqe.stream = number(w[i]);
		else if (sqe.opcode == KH2_OP_PING)
			arg = number(w[i]);
		else
			arg = code_of(w[i]);
	}
	if (i < n)
		put_hex(&payload, w + i + 1, n - i - 1);
	sqe.len = payload.n;
	if (sqe.opcode == KH2_OP_HEADERS && sqe.code)
		sqe.flags |= KH2_SQE_PRIORITY;
	if (sqe.opcode == KH2_OP_DATA) {
		sub_data(r->h, sqe.stream, sqe.flags, arg);
	} else {
		struct kh2_setting s = { .id = sqe.stream, .value = arg };

		if (sqe.opcode == KH2_OP_SETTINGS) {
			sqe.stream = 0;
			sqe.len = sizeof(s);
		} else if (sqe.opcode == KH2_OP_CONSUME) {
			sqe.len = arg;
		} else if (sqe.opcode == KH2_OP_PING) {
			sqe.offset = arg;
		} else if (sqe.opcode == KH2_OP_DEPEND) {
			sqe.value |= arg;
			sqe.code = sqe.code ?: 16;
		} else if (sqe.opcode == KH2_OP_PUSH_PROMISE || sqe.opcode == KH2_OP_PRIORITY) {
			sqe.value = arg;
		} else if (sqe.opcode != KH2_OP_HEADERS) {
			sqe.code = arg;
		}
		EQ(submit(r->h, &sqe, sqe.opcode == KH2_OP_SETTINGS ? (void *)&s : payload.p), 0);
	}
	free(payload.p);
}

static void line_of(struct buf *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_str(b, text);
}

static void hex_of(struct buf *b, const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t same = 1;

		while (i + same < n && p[i + same] == p[i])
			same++;
		if (same > 8) {
			line_of(b, "%02x*%zu", p[i], same);
			i += same - 1;
		} else {
			line_of(b, "%02x", p[i]);
		}
	}
}

static const char *const flag_names[] = {
	"end_stream", "discard", "local", "ack_wanted", "priority", "urgency",
};

static void settings_text(const struct buf *data, struct buf *b)
{
	const struct kh2_setting *s = (const void *)data->p;

	line_of(b, " :");
	for (size_t i = 0; i < data->n / sizeof(*s); i++)
		line_of(b, " %u=%u", s[i].id, s[i].value);
}

/* What code, arg and payload of an event say */
static void event_text(const struct kh2_event *ev, const struct buf *data, struct buf *b)
{
	switch (ev->type) {
	case KH2_EV_RESET:
	case KH2_EV_ERROR:
		line_of(b, " %s %s", ev->code < ARRAY_SIZE(code_names) ?
			code_names[ev->code] : "?", ev->arg < __KH2_C_END ?
			counter_names[ev->arg] : "?");
		break;
	case KH2_EV_TX_DONE:
		line_of(b, " code=%u", ev->code);
		break;
	case KH2_EV_SETTINGS:
	case KH2_EV_SETTINGS_ACK:
		return settings_text(data, b);
	default:
		if (ev->code)
			line_of(b, " code=%u", ev->code);
		if (ev->arg && ev->type != KH2_EV_PING_ACK)
			line_of(b, " arg=0x%llx", (unsigned long long)ev->arg);
	}
	if (data->n) {
		line_of(b, " : ");
		hex_of(b, data->p, data->n);
	}
}

/* Is the event the next part of DATA that only the cutting divided? */
static bool goes_on(const struct home *h, size_t i, const struct kh2_event *ev)
{
	return i < h->n_evs && ev->type == KH2_EV_DATA && !(ev->flags & KH2_EVF_END_STREAM) &&
	       h->evs[i].ev.type == KH2_EV_DATA && h->evs[i].ev.stream == ev->stream;
}

/* Each event a line; DATA that only the cutting divided is one */
static void events_text(struct home *h, struct buf *b)
{
	for (size_t i = h->ev_seen; i < h->n_evs; i++) {
		struct kh2_event ev = h->evs[i].ev;
		struct buf data = { 0 };

		put(&data, h->evs[i].data, ev.len);
		while (goes_on(h, i + 1, &ev)) {
			i++;
			ev.flags |= h->evs[i].ev.flags;
			put(&data, h->evs[i].data, h->evs[i].ev.len);
		}
		line_of(b, "%s %u", ev_name(ev.type), ev.stream);
		for (unsigned int f = 0; f < ARRAY_SIZE(flag_names); f++)
			if (ev.flags & BIT(f))
				line_of(b, " %s", flag_names[f]);
		event_text(&ev, &data, b);
		line_of(b, "\n");
		free(data.p);
	}
}

/* Each frame a line; of GOAWAY what counts */
static void frames_text(struct home *h, struct buf *b)
{
	struct home_frame f;

	if (!h->out_seen && h->n_out >= KH2_PREFACE_LEN && h->cfg.role == KH2E_CLIENT) {
		h->out_seen = KH2_PREFACE_LEN;
		put_str(b, "preface\n");
	}
	while (next_frame(h, &f)) {
		if (f.type == KH2_FRAME_GOAWAY && f.len >= 8) {
			u32 code = get_unaligned_be32(f.p + 4);

			line_of(b, "goaway %u %s\n", get_unaligned_be32(f.p),
				code < ARRAY_SIZE(code_names) ? code_names[code] : "?");
			continue;
		}
		line_of(b, "%06x %02x %02x %08x", f.len, f.type, f.flags, f.stream);
		if (f.len)
			line_of(b, " ");
		hex_of(b, f.p, f.len);
		line_of(b, "\n");
	}
}

static void rest_of(struct buf *b, char **w, int n)
{
	for (int i = 0; i < n; i++)
		line_of(b, "%s%s", i ? " " : "", w[i]);
	line_of(b, "\n");
}

static void want_error(struct run *r, char **w, int n)
{
	CHECK(n >= 2);
	r->dies = true;
	line_of(&r->want_ev, "error 0 %s %s\n", w[0], w[1]);
	line_of(&r->want_out, "goaway %s %s\n", n > 2 ? w[2] : "0", w[0]);
	r->counters[r->n_counters++] = lookup(counter_names, ARRAY_SIZE(counter_names), w[1]);
}

static void want_stream_error(struct run *r, char **w, int n)
{
	CHECK(n == 3);
	line_of(&r->want_ev, "reset %s local %s %s\n", w[0], w[1], w[2]);
	line_of(&r->want_out, "000004 03 00 %08x %08x\n", (u32)number(w[0]), code_of(w[1]));
	r->counters[r->n_counters++] = lookup(counter_names, ARRAY_SIZE(counter_names), w[2]);
}

/* Canonical form of an expected frame */
static void want_out(struct run *r, char **w, int n)
{
	struct buf raw = { 0 };
	const u8 *p;

	if (!strcmp(w[0], "goaway") || !strcmp(w[0], "preface")) {
		rest_of(&r->want_out, w, n);
		return;
	}
	put_hex(&raw, w, n);
	CHECK(raw.n >= KH2_FRAME_HEAD_LEN);
	p = raw.p;
	EQ((u32)p[0] << 16 | p[1] << 8 | p[2], raw.n - KH2_FRAME_HEAD_LEN);
	line_of(&r->want_out, "%06x %02x %02x %08x", (u32)p[0] << 16 | p[1] << 8 | p[2],
		p[3], p[4], get_unaligned_be32(p + 5));
	if (raw.n > KH2_FRAME_HEAD_LEN)
		line_of(&r->want_out, " ");
	hex_of(&r->want_out, p + KH2_FRAME_HEAD_LEN, raw.n - KH2_FRAME_HEAD_LEN);
	line_of(&r->want_out, "\n");
	free(raw.p);
}

/* Canonical form of an expected event: the payload behind ':' run together */
static void want_event(struct run *r, char **w, int n)
{
	bool settings = !strncmp(w[0], "settings", 8);

	for (int i = 0; i < n; i++) {
		if (!strcmp(w[i], ":") && !settings) {
			struct buf raw = { 0 };

			put_hex(&raw, w + i + 1, n - i - 1);
			line_of(&r->want_ev, " : ");
			hex_of(&r->want_ev, raw.p, raw.n);
			free(raw.p);
			break;
		}
		line_of(&r->want_ev, "%s%s", i ? " " : "", w[i]);
	}
	line_of(&r->want_ev, "\n");
}

/* Lines that set the stage; false if it is another */
static bool prepare_line(struct run *r, char **w, int n)
{
	struct kh2e_config *c;

	if (!strcmp(w[0], "rfc"))
		return true;
	if (!strcmp(w[0], "role")) {
		r->h = home_prepare(!strcmp(w[1], "client") ? KH2E_CLIENT : KH2E_SERVER);
		return true;
	}
	c = &r->h->cfg;
	if (!strcmp(w[0], "raw")) {
		r->raw = true;
	} else if (!strcmp(w[0], "setting")) {
		CHECK(n == 3);
		c->settings[c->n_settings++] = (struct kh2_setting){ .id = number(w[1]),
								     .value = number(w[2]) };
	} else if (!strcmp(w[0], "limit")) {
		CHECK(n == 3);
		c->limits[lookup(limit_names, ARRAY_SIZE(limit_names), w[1])] = number(w[2]);
	} else if (!strcmp(w[0], "conn_window")) {
		c->conn_window = number(w[1]);
	} else {
		return false;
	}
	CHECK(!r->h->e);
	return true;
}

static void run_line(struct run *r, char **w, int n, size_t chunk)
{
	if (prepare_line(r, w, n))
		return;
	start(r, chunk);
	if (!strcmp(w[0], "in")) {
		put_hex(&r->in, w + 1, n - 1);
	} else if (!strcmp(w[0], "submit")) {
		flush_in(r);
		do_submit(r, w + 1, n - 1);
		pump(r->h);
	} else if (!strcmp(w[0], "wait")) {
		flush_in(r);
		advance(r->h, number(w[1]));
		pump(r->h);
	} else if (!strcmp(w[0], "error")) {
		want_error(r, w + 1, n - 1);
	} else if (!strcmp(w[0], "reset")) {
		want_stream_error(r, w + 1, n - 1);
	} else if (!strcmp(w[0], "ev")) {
		want_event(r, w + 1, n - 1);
	} else if (!strcmp(w[0], "out")) {
		want_out(r, w + 1, n - 1);
	} else if (!strcmp(w[0], "draining")) {
		r->drains = true;
	} else if (!strcmp(w[0], "ignored")) {
		flush_in(r);	/* forgets what came of it so far */
		forget(r->h);
	} else {
		FAIL("unknown line in a vector: %s", w[0]);
	}
}

/* Runs it; what was told and sent is appended to @told, what was expected to @want */
static size_t run(const struct vec *v, size_t cut, size_t chunk, struct buf *told, struct buf *want)
{
	struct run r = { .cut = cut };
	char **words = malloc(MAX_WORDS * sizeof(*words));
	enum kh2e_phase phase;

	for (int i = 0; i < v->n_lines; i++) {
		char *line = strdup(v->lines[i]);
		int n = split(line, words, MAX_WORDS);

		if (n)
			run_line(&r, words, n, chunk);
		free(line);
	}
	free(words);
	start(&r, chunk);
	flush_in(&r);
	put_str(told, "-- events\n");
	events_text(r.h, told);
	put_str(told, "-- frames\n");
	frames_text(r.h, told);
	phase = r.dies ? KH2E_DONE : r.drains ? KH2E_DRAINING : KH2E_OPEN;
	line_of(told, "-- phase %d\n", kh2e_phase(r.h->e));
	if (want) {
		put_str(want, "-- events\n");
		put(want, r.want_ev.p, r.want_ev.n);
		put_str(want, "-- frames\n");
		put(want, r.want_out.p, r.want_out.n);
		line_of(want, "-- phase %d\n", phase);
	}
	for (int i = 0; i < r.n_counters && want; i++)
		line_of(counter(r.h, r.counters[i]) ? told : want, "counted %s\n",
			counter_names[r.counters[i]]);
	for (int i = 0; i < r.n_counters && want; i++)
		if (counter(r.h, r.counters[i]))
			line_of(want, "counted %s\n", counter_names[r.counters[i]]);
	free(r.in.p);
	free(r.want_ev.p);
	free(r.want_out.p);
	home_free(r.h);
	return r.fed;
}

static void show(const char *what, const struct buf *b)
{
	char *text = strdup((const char *)b->p);

	diag("%s:", what);
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
		diag("    %.300s", l);
	free(text);
}

static void vec_plain(const void *arg)
{
	struct buf told = { 0 }, want = { 0 };

	run(arg, 0, 0, &told, &want);
	if (strcmp((char *)told.p, (char *)want.p)) {
		show("expected", &want);
		show("got", &told);
		FAIL("not what was expected");
	}
	free(told.p);
	free(want.p);
}

static void compare(const struct buf *whole, struct buf *part, const char *how, size_t at)
{
	if (strcmp((char *)whole->p, (char *)part->p)) {
		show("whole", whole);
		show("divided", part);
		FAIL("differs: %s %zu", how, at);
	}
	part->n = 0;
}

static void vec_split(const void *arg)
{
	struct buf whole = { 0 }, part = { 0 };
	size_t len = run(arg, 0, 0, &whole, NULL);
	size_t step;

	for (size_t at = 1; at < len; at += step) {
		run(arg, at, 0, &part, NULL);
		compare(&whole, &part, "cut at", at);
		step = at < ALL_SPLITS || at + ALL_SPLITS / 4 > len ? 1 : SPLIT_STEP;
	}
	for (size_t chunk = 1; chunk < 12; chunk += 2) {
		run(arg, 0, chunk, &part, NULL);
		compare(&whole, &part, "in pieces of", chunk);
	}
	free(whole.p);
	free(part.p);
}

/* -- reading -- */

static char *dup_n(const char *s, size_t n)
{
	char *d = strndup(s, n);

	if (!d)
		abort();
	return d;
}

static void vec_add(struct vec *v)
{
	char *split_name = malloc(strlen(v->name) + 16);

	sprintf(split_name, "%s_divided", v->name);
	tap_add(v->name, vec_plain, v);
	tap_add(split_name, vec_split, v);
}

void vec_add_all(const char *text)
{
	struct vec *v = NULL;

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t used = strcspn(text, "#\n");

		while (used && isspace((unsigned char)text[used - 1]))
			used--;
		if (used > 7 && !strncmp(text, "vector ", 7)) {
			if (v)
				vec_add(v);
			v = calloc(1, sizeof(*v));
			v->name = dup_n(text + 7, used - 7);
		} else if (used && v) {
			CHECK(v->n_lines < MAX_LINES);
			v->lines[v->n_lines++] = dup_n(text, used);
		}
		text += len + (text[len] == '\n');
	}
	if (v)
		vec_add(v);
}
