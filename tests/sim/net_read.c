/* SPDX-License-Identifier: MIT */
/*
 * Replies to GETs on their way into whd's own list reader: in pieces of any
 * length, page by page, handed on in chunks, as http_transfer.c does it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/http_pages.h"
#include "daemon/pump.h"
#include "tests/sim/render.h"
#include "tests/sim/sim.h"

#define CHUNKS_OPEN_MAX 2u
#define START_KEPT 4096u

void
sim_read_fini(struct sim_reading *in)
{
	in->reader = wh_list_reader_free(in->reader);
	in->chunk = wh_chunk_free(in->chunk);
	in->result = wh_http_result_free(in->result);
}

static void
hand_chunk(struct sim *s, struct sim_transfer *t)
{
	struct wh_chunk *c = wh_steal(&t->in.chunk);

	t->in.chunks_open++;
	sim_host_enter(s);
	wh_pump_on_chunk(s->host.d.pump, c);
}

static int
on_row(void *arg, struct wh_str whid, struct wh_str body)
{
	struct sim_transfer *t = arg;
	struct sim_reading *in = &t->in;
	char room[WH_KEY_MAX];
	struct wh_str key = wh_key_fold(whid, room);

	if (t->kind == WH_HTTP_FIND) {
		if (!in->result->found && wh_str_eq(key, wh_str(in->key, in->key_n))) {
			wh_buf_str(&in->result->row, body);
			in->result->found = true;
		}
		return 0;
	}
	if (!in->chunk)
		in->chunk = wh_chunk_new(t->tag);
	wh_require(wh_chunk_add(in->chunk, whid, body) == 0);
	wh_require(wh_seen_add(&in->result->seen, key) == 0);
	return 0;
}

static void
incomplete(struct wh_http_result *r, const char *why)
{
	r->complete = false;
	if (r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%s", why);
}

static void
read_summary(struct sim_transfer *t)
{
	struct wh_http_result *r = t->in.result;
	struct wh_list_summary sum;

	wh_list_reader_summary(t->in.reader, &sum);
	r->usable = sum.usable;
	r->complete = sum.complete;
	r->elements = sum.elements;
	r->unreadable = sum.unreadable;
	snprintf(r->why, sizeof(r->why), "%s", sum.why);
}

/* True if the list goes on with another page. */
static bool
next_page(struct sim_transfer *t)
{
	static const char base[] = "https://api.example/webhookconfig";
	struct wh_list_summary sum;
	char header[256] = "";
	char *next;

	wh_list_reader_summary(t->in.reader, &sum);
	if (t->link.n)
		snprintf(header, sizeof(header), "<%.*s>; rel=\"next\"",
			 WH_STR_FMT(wh_buf_view(&t->link)));
	if (sum.next.n == 0 && header[0] == '\0')
		return false;
	next = wh_http_next_page(base, base, sum.next, header);
	if (!next) {
		incomplete(t->in.result, "the next page's link leads elsewhere");
		return false;
	}
	t->page_from = sim_render_page_of(wh_str_c(next));
	free(next);
	return true;
}

static void
finish(struct sim *s, struct sim_transfer *t)
{
	struct wh_http_result *r = wh_steal(&t->in.result);

	if (t->in.chunk)
		hand_chunk(s, t);
	wh_seen_sort(&r->seen);
	if (r->seen.duplicates)
		incomplete(r, "the list holds the same id twice");
	sim_net_facts(t, r, s->mono - t->submitted);
	if (!r->usable) {
		wh_buf_add(&r->body, t->reply.p,
			   t->reply.n < START_KEPT ? t->reply.n : START_KEPT);
		r->facts.body = wh_buf_view(&r->body);
	}
	t->complete = r->complete;
	t->in.reader = wh_list_reader_free(t->in.reader);
	sim_net_tell(s, t, r);
}

static void feed(struct sim *s, uint64_t id);

static void
turn_page(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);

	wh_list_reader_next_page(t->in.reader);
	sim_upstream_page(s, t);
	t->in.fed = 0;
	sim_later_in_whd(s, sim_dice_between(&s->dice, 1, 40), feed, t->id);
}

static void
end_page(struct sim *s, struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];
	bool whole = f->net == WH_NET_OK && f->whole && t->status >= 200 && t->status < 300;

	wh_require(wh_list_reader_end_page(t->in.reader, whole) == 0);
	read_summary(t);
	if (!whole)
		incomplete(t->in.result, "the reply was cut or refused");
	else if ((t->kind == WH_HTTP_LIST || !t->in.result->found) && next_page(t)) {
		sim_later_in_whd(s, sim_dice_between(&s->dice, 2, 100), turn_page, t->id);
		return;
	}
	finish(s, t);
}

/* Some more of the page. Chunks go to the pump, which may ask for a pause. */
static void
feed(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);
	struct sim_reading *in = &t->in;
	bool good = t->status >= 200 && t->status < 300;
	size_t end = good ? t->reply.n : 0;

	for (unsigned pieces = 0; in->fed < end && pieces < 12; pieces++) {
		size_t n = (size_t)sim_dice_between(&s->dice, 1, 700);

		n = n < end - in->fed ? n : end - in->fed;
		wh_require(wh_list_reader_feed(in->reader, wh_str(t->reply.p + in->fed, n)) ==
			   0);
		in->fed += n;
		if (in->chunk && in->chunk->n >= in->chunk_rows)
			hand_chunk(s, t);
		if (in->chunks_open >= CHUNKS_OPEN_MAX) {
			in->paused = true;
			return;
		}
	}
	if (in->fed < end)
		sim_later_in_whd(s, sim_dice_between(&s->dice, 0, 30), feed, t->id);
	else
		end_page(s, t);
}

void
sim_net_chunk_taken(struct sim *s, uint64_t tag)
{
	for (size_t i = s->net.n; i > 0; i--) {
		struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind != WH_HTTP_LIST || t->tag != tag || t->epoch != s->host.epoch)
			continue;
		t->in.chunks_open--;
		if (t->in.paused)
			sim_later_in_whd(s, 0, feed, t->id);
		t->in.paused = false;
		return;
	}
}

void
sim_read_begin(struct sim *s, struct sim_transfer *t)
{
	static const struct wh_list_limits lim = {256u << 10, 16};
	struct sim_reading *in = &t->in;
	struct wh_str key = wh_key_fold(wh_str_c(t->whid), in->key);

	in->key_n = key.n;
	in->result = wh_xcalloc(1, sizeof(*in->result));
	in->result->seen.seed = sim_dice_next(&s->whd_dice);
	in->chunk_rows = (size_t)sim_dice_between(&s->dice, 1, 30);
	in->reader = wh_list_reader_new(&lim, on_row, t);
	feed(s, t->id);
}
