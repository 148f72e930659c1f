/* SPDX-License-Identifier: MIT */
/*
 * Feeds subscribers from the change log.
 *
 * Woken by commits, by new subscriptions and by connections that drained;
 * loop thread. A subscriber is a connection and the revision it has got: what
 * lies behind is read from the log in batches, and a batch is encoded once for
 * all that stand at the same revision. Nothing is queued here, so a subscriber
 * that does not read costs no more than its output buffer.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/watch.h"

#define BATCH_EVENTS 256u
#define BATCH_BYTES 65536u
#define READ_BYTES 524288u
#define TURN_BYTES 524288u /* pushed in one turn of the loop: 1 to 2 ms */

struct sub {
	uint64_t conn;
	uint64_t revision; /* of the last event it got */
	bool paused;       /* until its connection has drained */
	bool gone;
};

/* The encoded events (from, to]. */
struct batch {
	struct wh_buf bytes;
	uint64_t from, to;
	uint32_t n;
};

struct wh_watch {
	struct whd *d;
	uv_idle_t soon; /* runs only while somebody wants what was not pushed in this turn */
	struct sub *subs;
	size_t n, cap;
	size_t turn; /* who is looked at first */
	struct batch batch;
};

/* ---------------------------------------------------------------- events -- */

static int
pack_event(struct wh_buf *out, uint64_t revision, struct wh_str body)
{
	uint32_t count;
	struct wh_str members;
	int r = wh_map_split(body, &count, &members);

	if (r)
		return WH_ECORRUPT;
	wh_pack_map(out, (size_t)count + 1);
	wh_pack_kv_uint(out, "revision", revision);
	wh_buf_str(out, members);
	return out->fault;
}

int
wh_watch_read(struct whd *d, uint64_t since, uint32_t limit, struct wh_watch_batch *ret)
{
	struct wh_buf *array = &ret->array;
	size_t from = array->n, place = wh_pack_open_array(array);
	uint64_t last = since, revision;
	struct wh_str body;
	uint32_t n = 0;
	int r = 0;

	while (n < limit && array->n - from < READ_BYTES) {
		r = wh_changes_next(&d->view, last, &revision, &body);
		if (r)
			break;
		r = pack_event(array, revision, body);
		if (r)
			return r;
		last = revision;
		n++;
	}
	if (r < 0)
		return r;
	wh_pack_close_array(array, place, n);
	ret->n = n;
	ret->last = last;
	return array->fault;
}

bool
wh_watch_continues(struct whd *d, uint64_t since, struct wh_str instance)
{
	const struct wh_meta *meta = &d->view.meta;

	if (instance.n > 0 && !wh_str_is(instance, d->instance))
		return false;
	if (since >= meta->revision || meta->change_tail == 0)
		return since == meta->revision;
	return since + 1 >= meta->change_tail;
}

/* ---------------------------------------------------------------- batches -- */

static int
fill_batch(struct wh_watch *w, uint64_t from)
{
	struct batch *b = &w->batch;
	uint64_t revision;
	struct wh_str body;
	int r = 0;

	wh_buf_reset(&b->bytes);
	b->from = b->to = from;
	b->n = 0;
	while (b->n < BATCH_EVENTS && b->bytes.n < BATCH_BYTES) {
		r = wh_changes_next(&w->d->view, b->to, &revision, &body);
		if (r)
			break;
		wh_rpc_notify_head(&b->bytes, "event");
		r = pack_event(&b->bytes, revision, body);
		if (r)
			break;
		b->to = revision;
		b->n++;
	}
	if (r < 0)
		b->n = 0;
	return r < 0 ? r : 0;
}

/* The batch that follows `from`: the one at hand, if it does. */
static int
batch_after(struct wh_watch *w, uint64_t from)
{
	if (w->batch.n > 0 && w->batch.from == from)
		return 0;
	return fill_batch(w, from);
}

static void
note_pushed(struct wh_watch *w, struct sub *s, bool pushed, size_t queued)
{
	s->gone = !pushed;
	s->paused = queued >= (size_t)w->d->config->limits_out_high;
}

/* It cannot be told what lies between: the subscriber must list again. */
static void
push_reset(struct wh_watch *w, struct sub *s)
{
	struct wh_buf out = WH_BUF_NULL;
	size_t queued = 0;

	w->d->counters.events_lagged++;
	s->revision = w->d->view.meta.revision;
	wh_rpc_notify_head(&out, "event");
	wh_pack_map(&out, 3);
	wh_pack_kv_uint(&out, "revision", s->revision);
	wh_pack_kv_int(&out, "at", w->d->now.wall.ms);
	wh_pack_kv_c(&out, "kind", "reset");
	bool pushed =
		!out.fault && wh_server_push(w->d->server, s->conn, wh_buf_view(&out), &queued);

	note_pushed(w, s, pushed, queued);
	wh_buf_fini(&out);
}

static void
push_batch(struct wh_watch *w, struct sub *s)
{
	size_t queued = 0;
	bool pushed =
		wh_server_push(w->d->server, s->conn, wh_buf_view(&w->batch.bytes), &queued);

	s->revision = w->batch.to;
	w->d->counters.events_pushed += w->batch.n;
	note_pushed(w, s, pushed, queued);
}

/* ------------------------------------------------------------------ turns -- */

static bool
wants(const struct wh_watch *w, const struct sub *s)
{
	return !s->gone && !s->paused && s->revision != w->d->view.meta.revision;
}

/* Each in its turn, however far the others are behind. NULL: none wants anything. */
static struct sub *
next_wanting(struct wh_watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct sub *s = &w->subs[(w->turn + i) % w->n];

		if (wants(w, s)) {
			w->turn = (size_t)(s - w->subs) + 1;
			return s;
		}
	}
	return NULL;
}

/* To all who stand where the batch begins, as long as `left` bytes go; returns what is left. */
static size_t
push_to_all(struct wh_watch *w, size_t left)
{
	for (size_t i = 0; i < w->n && left > 0; i++) {
		struct sub *s = &w->subs[i];

		if (!wants(w, s) || s->revision != w->batch.from)
			continue;
		push_batch(w, s);
		left -= left < w->batch.bytes.n ? left : w->batch.bytes.n;
	}
	return left;
}

/* What follows for this one, and for those who stand where it does; returns what is left. */
static size_t
feed(struct wh_watch *w, struct sub *s, size_t left)
{
	if (!wh_watch_continues(w->d, s->revision, WH_STR_NULL)) {
		push_reset(w, s);
		return left;
	}
	int r = batch_after(w, s->revision);

	if (r || w->batch.n == 0) {
		wh_log(WH_LOG_ERROR, "watch",
		       "the change log cannot be read; subscribers are told to list again",
		       "revision=%" PRIu64 " fault=%s", s->revision,
		       WH_LOGQ(wh_str_c(wh_fault_str(r))));
		push_reset(w, s);
		return left;
	}
	return push_to_all(w, left);
}

static void
forget_gone(struct wh_watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		if (!w->subs[i].gone)
			w->subs[kept++] = w->subs[i];
	w->n = kept;
}

static void
on_soon(uv_idle_t *idle)
{
	struct wh_watch *w = idle->data;

	whd_tick(w->d);
	wh_watch_poke(w);
}

/* Batch by batch, each encoded once for all who want it; what is too much for one turn of the
 * loop goes on in the next, so that callers have theirs in between. */
void
wh_watch_poke(struct wh_watch *w)
{
	size_t left = TURN_BYTES;
	struct sub *s;

	if (!w)
		return;
	while (left > 0 && (s = next_wanting(w)) != NULL)
		left = feed(w, s, left);
	if (left == 0)
		uv_idle_start(&w->soon, on_soon);
	else
		uv_idle_stop(&w->soon);
	forget_gone(w);
}

/* ---------------------------------------------------------------- public -- */

static struct sub *
find(struct wh_watch *w, uint64_t conn)
{
	for (size_t i = 0; w && i < w->n; i++)
		if (w->subs[i].conn == conn)
			return &w->subs[i];
	return NULL;
}

void
wh_watch_drained(struct wh_watch *w, uint64_t conn)
{
	struct sub *s = find(w, conn);

	if (!s)
		return;
	s->paused = false;
	uv_idle_start(&w->soon, on_soon);
}

void
wh_watch_closed(struct wh_watch *w, uint64_t conn)
{
	struct sub *s = find(w, conn);

	if (!s)
		return;
	s->gone = true;
	forget_gone(w);
}

static struct sub *
add(struct wh_watch *w)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct sub *more = wh_xcalloc(cap, sizeof(more[0]));

		if (w->n)
			memcpy(more, w->subs, w->n * sizeof(more[0]));
		free(w->subs);
		w->subs = more;
		w->cap = cap;
	}
	return &w->subs[w->n++];
}

void
wh_watch_subscribe(struct wh_watch *w, uint64_t conn, uint64_t since)
{
	struct sub *s = find(w, conn);

	if (!s)
		s = add(w);
	*s = (struct sub){.conn = conn, .revision = since};
	uv_idle_start(&w->soon, on_soon);
}

void
wh_watch_dump(const struct wh_watch *w, struct wh_buf *out)
{
	uint64_t behind = 0, paused = 0;

	for (size_t i = 0; i < w->n; i++) {
		uint64_t gap = w->d->view.meta.revision - w->subs[i].revision;

		behind = gap > behind ? gap : behind;
		paused += w->subs[i].paused;
	}
	wh_pack_map(out, 3);
	wh_pack_kv_uint(out, "subscribers", w->n);
	wh_pack_kv_uint(out, "paused", paused);
	wh_pack_kv_uint(out, "farthest_behind", behind);
}

struct wh_watch *
wh_watch_new(struct whd *d)
{
	struct wh_watch *w = wh_xcalloc(1, sizeof(*w));

	w->d = d;
	uv_idle_init(&d->loop, &w->soon);
	w->soon.data = w;
	return w;
}

static void
on_closed(uv_handle_t *handle)
{
	struct wh_watch *w = handle->data;

	wh_buf_fini(&w->batch.bytes);
	free(w->subs);
	free(w);
}

struct wh_watch *
wh_watch_free(struct wh_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->soon, on_closed);
	return NULL;
}
