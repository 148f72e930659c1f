/* SPDX-License-Identifier: MIT */
/*
 * What readers see: every webhook is one the upstream has or had, as it was at
 * some time and never as it was before what was shown already; none vanishes
 * that is there; and none is shown twice while its create is undecided.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/hook_scan.h"
#include "daemon/pump.h"
#include "tests/sim/sim.h"

void
sim_oracle_listed(struct sim *s, const struct sim_transfer *t)
{
	for (size_t i = 0; i < s->world.n; i++) {
		struct sim_row *r = &s->world.rows[i];
		bool shown = false;

		for (size_t j = 0; j < t->n_shown && !shown; j++)
			shown = t->shown[j] == i;
		if (!shown && r->born_at < t->executed && sim_row_alive(r))
			r->denied = true;
	}
}

static uint64_t
hash_of(struct wh_str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h | 1;
}

/* What this upstream leaves out of the version since it is empty, and what no list has shown
 * of any webhook: for all that can be known such lists never show it. */
static uint32_t
left_out(const struct sim *s, const struct sim_doc *doc)
{
	const struct sim_ways *ways = &s->world.ways;
	uint32_t members = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		bool absent =
			f == SIM_SET ? ways->set == SIM_set_ABSENT_IF_EMPTY && doc->n_items == 0
				     : ways->blank == SIM_blank_ABSENT && !doc->text[f][0];

		members |= absent ? 1u << f : 0;
	}
	return members & ~(uint32_t)s->host.d.view.meta.list_shows;
}

/* These members are as they were in some version before it. */
static bool
was_before(const struct sim_row *r, size_t at, uint32_t members, const struct sim_doc *doc)
{
	while (at > 0)
		if ((sim_doc_diff(&r->versions[--at].doc, doc) & members) == 0)
			return true;
	return false;
}

static bool
is_version(const struct sim *s, const struct sim_row *r, size_t at, const struct sim_doc *doc)
{
	const struct sim_version *v = &r->versions[at];
	uint32_t diff = sim_doc_diff(&v->doc, doc);

	if (v->gone)
		return false;
	if (diff == 0 || (v->by != SIM_BY_OTHERS && sim_doc_diff(&v->sent, doc) == 0))
		return true;
	return (diff & ~left_out(s, &v->doc)) == 0 && was_before(r, at, diff, doc);
}

/* The first version from `from` on that doc is; r->n if it is none of them. */
static size_t
version_of(const struct sim *s, const struct sim_row *r, size_t from, const struct sim_doc *doc)
{
	while (from < r->n && !is_version(s, r, from, doc))
		from++;
	return from;
}

static void
check_row(struct sim *s, struct sim_row *r, struct wh_str body)
{
	struct sim_doc doc;
	size_t at;

	if (!sim_doc_from_pack(&doc, body)) {
		sim_fail(s, "%s cannot be read", r->whid);
		return;
	}
	at = version_of(s, r, r->known ? r->seen : 0, &doc);
	if (at == r->n && version_of(s, r, 0, &doc) < r->n)
		sim_fail(s,
			 "readers are shown %s as it was before what they were shown already",
			 r->whid);
	else if (at == r->n)
		sim_fail(s, "readers are shown %s as it never was: name '%s' comment '%s'",
			 r->whid, doc.text[WH_F_WHNAME], doc.text[WH_F_WHCOMMENT]);
	r->seen = at;
}

static void
see_row(struct sim *s, struct wh_str key, struct wh_str body)
{
	size_t row = sim_world_find(&s->world, key);
	uint64_t hash = hash_of(body);
	struct sim_row *r;

	if (row == SIZE_MAX) {
		sim_fail(s, "readers are shown %.*s, which never was at the upstream",
			 WH_STR_FMT(key));
		return;
	}
	r = &s->world.rows[row];
	if (!r->known || !r->held || r->last_hash != hash)
		check_row(s, r, body);
	r->known = r->held = true;
	r->last_hash = hash;
}

/* It was there and is not any more. */
static void
miss_row(struct sim *s, struct sim_row *r)
{
	r->held = false;
	for (size_t i = r->seen; i < r->n; i++)
		if (r->versions[i].gone) {
			r->seen = i;
			return;
		}
	if (r->denied) {
		r->known = false;
		return;
	}
	sim_fail(s, "%s was removed, but it is there at the upstream and no list denied it",
		 r->whid);
}

static void
look_at_rows(struct sim *s)
{
	struct wh_scan scan;
	struct wh_str key;
	struct wh_row row;
	bool met[512] = {false};

	wh_require(s->world.n <= wh_array_len(met));
	wh_require(wh_scan_begin(&s->host.d.view, WH_SCAN_ROWS, WH_STR_NULL, &scan) == 0);
	while (!s->failed && wh_scan_next(&scan, &key, &row, NULL) == 0) {
		see_row(s, key, row.body);
		if (!s->failed)
			met[sim_world_find(&s->world, key)] = true;
	}
	wh_scan_end(&scan);
	for (size_t i = 0; i < s->world.n && !s->failed; i++)
		if (s->world.rows[i].held && !met[i])
			miss_row(s, &s->world.rows[i]);
}

/* ------------------------------------------------------------------- doubles -- */

static bool
visible(struct sim *s, const char *name)
{
	struct wh_buf body = WH_BUF_NULL;
	char room[WH_KEY_MAX];
	struct wh_hook h;
	int r = wh_hook_get(&s->host.d.view, wh_key_fold(wh_str_c(name), room),
			    WH_VIEW_EFFECTIVE, &body, &h);

	wh_buf_fini(&body);
	return r == 0 && !h.hidden;
}

/* It is as the create asked: only such a one can be told to be the same. */
static bool
recognisable(const struct sim_row *r)
{
	return r->n == 1 && sim_doc_diff(&r->versions[0].doc, &r->versions[0].sent) == 0;
}

/* In an older store that was put back a create may want less than what went out since. */
static bool
wants_what_was_sent(struct sim *s, const struct sim_op *op, const struct sim_row *r)
{
	struct sim_wish w;

	if (!s->oracle.put_back)
		return true;
	sim_oracle_wish(s, op, &w);
	return sim_doc_diff(&w.want, &r->versions[0].sent) == 0;
}

/* Of twins that a person had looked for anew, or that were put back, one may have adopted what
 * the other one made. */
static bool
is_anothers(struct sim *s, const struct sim_op *op, const struct sim_row *r)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o != op && o->kind == WH_OP_CREATE && strcmp(o->result, "adopted") == 0 &&
		    sim_text_same(o->whid, r->whid))
			return true;
	}
	return false;
}

static void
look_for_doubles(struct sim *s)
{
	for (size_t i = 0; i < s->world.n; i++) {
		const struct sim_row *r = &s->world.rows[i];
		const struct sim_transfer *t =
			r->born_by ? sim_net_get(&s->net, r->born_by) : NULL;
		const struct sim_op *op =
			t && t->op != SIZE_MAX ? sim_oracle_op(s, t->op) : NULL;

		if (!r->held || !op || t->decided || !recognisable(r) ||
		    (op->state != WH_OP_SENDING && op->state != WH_OP_UNKNOWN) || op->stopped)
			continue;
		if (wants_what_was_sent(s, op, r) && visible(s, r->whid) &&
		    visible(s, op->tmp) && !is_anothers(s, op, r))
			sim_fail(s, "readers are shown one webhook twice: as %s and as %s",
				 r->whid, op->tmp);
	}
}

void
sim_oracle_list_ended(struct sim *s)
{
	struct wh_buf map = WH_BUF_NULL;
	struct wh_tree tree;
	bool suspect = false;

	wh_pump_status_sync(s->host.d.pump, &map);
	if (wh_unpack(&tree, wh_buf_view(&map), NULL) == 0) {
		suspect = wh_obj_u64_at(&tree.root, "suspect", 0) > 0;
		wh_tree_fini(&tree);
	}
	wh_buf_fini(&map);
	if (suspect && !s->oracle.suspect)
		sim_cover_row(s->coverage, SIM_ROW_SUSPECT);
	s->oracle.suspect = suspect;
}

void
sim_oracle_look(struct sim *s)
{
	uint64_t revision = s->host.d.view.meta.revision;

	if (revision < s->oracle.revision)
		sim_fail(s, "revision went back from %" PRIu64 " to %" PRIu64,
			 s->oracle.revision, revision);
	s->oracle.revision = revision;
	look_at_rows(s);
	if (!s->failed)
		look_for_doubles(s);
}
