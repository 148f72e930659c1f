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
	wh_reading_fini(&in->whd);
	in->result = wh_http_result_free(in->result);
	in->known = wh_known_free(in->known);
	in->spill = wh_spill_free(in->spill);
	wh_known_items_fini(&in->news);
}

static bool
hand_chunk(void *ctx, struct wh_chunk *c)
{
	struct sim_transfer *t = ctx;
	struct sim *s = t->in.s;

	t->in.chunks_open++;
	sim_host_enter(s);
	wh_pump_on_chunk(s->host.d.pump, c);
	return true;
}

/* True if the list goes on with another page. */
static bool
next_page(struct sim_transfer *t, struct wh_str in_body)
{
	static const char base[] = "https://api.example/webhookconfig";
	char header[256] = "";
	char *next;

	if (t->link.n)
		snprintf(header, sizeof(header), "<%.*s>; rel=\"next\"",
			 WH_STR_FMT(wh_buf_view(&t->link)));
	if (in_body.n == 0 && header[0] == '\0')
		return false;
	next = wh_http_next_page(base, base, in_body, wh_str_c(header));
	if (!next) {
		wh_reading_doubt(&t->in.whd, "the next page's link leads elsewhere");
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

	wh_reading_end(&t->in.whd);
	sim_net_facts(t, r, s->mono - t->submitted);
	if (!r->usable) {
		wh_buf_add(&r->body, t->reply.p,
			   t->reply.n < START_KEPT ? t->reply.n : START_KEPT);
		r->facts.body = wh_buf_view(&r->body);
	}
	t->complete = r->complete;
	wh_reading_fini(&t->in.whd);
	sim_net_tell(s, t, r);
}

static void feed(struct sim *s, uint64_t id);

static void
turn_page(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);

	wh_reading_next_page(&t->in.whd);
	sim_upstream_page(s, t);
	t->in.fed = 0;
	sim_later_in_whd(s, sim_dice_between(&s->dice, 1, 40), feed, t->id);
}

static void
end_page(struct sim *s, struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];
	bool whole = f->net == WH_NET_OK && f->whole && t->status >= 200 && t->status < 300;
	struct wh_list_summary sum;

	wh_require(wh_reading_end_page(&t->in.whd, whole, &sum) == 0);
	if (!whole)
		wh_reading_doubt(&t->in.whd, "the reply was cut or refused");
	else if ((t->kind == WH_HTTP_LIST || !t->in.result->found) && next_page(t, sum.next)) {
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
		wh_require(wh_reading_feed(&in->whd, wh_str(t->reply.p + in->fed, n)) == 0);
		in->fed += n;
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

	in->s = s;
	in->result = wh_xcalloc(1, sizeof(*in->result));
	in->result->kind = t->kind;
	in->result->tag = t->tag;
	in->result->seen.known = wh_steal(&in->known);
	if (sim_dice_chance(&s->dice, 200)) /* its file system has no files without a name */
		in->spill = wh_spill_free(in->spill);
	in->result->spill = wh_steal(&in->spill);
	wh_spill_slice(in->result->spill, (size_t)sim_dice_between(&s->dice, 1, 30));
	in->whd.chunk_rows = (size_t)sim_dice_between(&s->dice, 1, 30);
	in->whd.hand_chunk = hand_chunk;
	in->whd.ctx = t;
	wh_reading_begin(&in->whd, in->result, &lim, wh_str_c(t->whid), &in->news);
	feed(s, t->id);
}
