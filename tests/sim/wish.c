/* SPDX-License-Identifier: MIT */
/*
 * What people want: new webhooks, changes and deletions, drawn so that they
 * meet each other often: few names and urls, the same webhook again and again,
 * values that are there already, ids that are gone.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/hook_scan.h"
#include "tests/sim/sim.h"

/* -------------------------------------------------------------------- values -- */

static void
draw_guid(struct sim *s, char text[SIM_TEXT])
{
	static const char *const guids[] = {
		"d0db4b13-20d4-42c3-8268-37db22b36f98",
		"D0DB4B13-20D4-42C3-8268-37DB22B36F98",
		"7a1c0e55-9b1e-4f0e-a6f4-0123456789ab",
		"7A1C0E55-9b1e-4F0E-A6F4-0123456789aB",
	};

	sim_text_set(text, wh_str_c(guids[sim_dice_below(&s->dice, wh_array_len(guids))]));
}

static void
draw_comment(struct sim *s, char text[SIM_TEXT])
{
	static const char *const tails[] = {"",      "",  "", "", " soon", " \"quoted\" \\",
					    " grün", "  "};
	uint64_t what = sim_dice_below(&s->dice, 1000), burning = 25 + s->plan.burns_permille;

	if (what >= 950) /* nothing at all */
		return;
	snprintf(text, SIM_TEXT, "word %" PRIu64 "%s%s", ++s->people.words,
		 tails[sim_dice_below(&s->dice, wh_array_len(tails))],
		 what < 25        ? " forbidden"
		 : what < burning ? " burns"
				  : "");
}

void
sim_wish_word(struct sim *s, char text[SIM_TEXT], unsigned field)
{
	uint64_t few = sim_dice_below(&s->dice, 7);
	bool own = sim_dice_chance(&s->dice, 500);
	uint64_t n = own ? 100 + ++s->people.words : few;

	memset(text, 0, SIM_TEXT);
	switch ((enum wh_field)field) {
	case WH_F_WHNAME:
		snprintf(text, SIM_TEXT, "%sname %" PRIu64, few == 3 ? " " : "", n);
		return;
	case WH_F_WHCOMMENT:
		draw_comment(s, text);
		return;
	case WH_F_APPLICATION:
		draw_guid(s, text);
		return;
	case WH_F_MUNICIPALITY:
		snprintf(text, SIM_TEXT, "m%" PRIu64, few % 3);
		return;
	case WH_F_CALLBACK:
		snprintf(text, SIM_TEXT, "%s://%sost.example/cb/%" PRIu64,
			 few == 2 ? "HTTPS" : "https", few == 1 ? "H" : "h", n);
		return;
	case WH_F_PROCESSES:
	case WH_F_COUNT:
		return;
	}
}

static void
draw_item(struct sim *s, char item[SIM_ITEM])
{
	snprintf(item, SIM_ITEM, "p%" PRIu64, sim_dice_below(&s->dice, 9));
}

static void
draw_items(struct sim *s, struct sim_doc *doc, unsigned max)
{
	char item[SIM_ITEM];

	for (uint64_t n = sim_dice_below(&s->dice, max + 1); n > 0; n--) {
		draw_item(s, item);
		sim_doc_add_item(doc, item);
	}
}

void
sim_wish_doc(struct sim *s, struct sim_doc *doc)
{
	*doc = (struct sim_doc){0};
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		sim_wish_word(s, doc->text[f], f);
	draw_items(s, doc, 3);
}

/* ------------------------------------------------------------------- targets -- */

/* A webhook as readers see it, chosen by chance. */
struct pick {
	char whid[WH_WHID_MAX + 1];
	struct sim_doc doc;
	uint64_t revision;
	bool found;
};

static void
pick_visible(struct sim *s, struct pick *p)
{
	struct wh_hook_scan scan;
	struct wh_str key;
	struct wh_hook h;
	uint64_t n = 0;

	wh_require(wh_hook_scan_begin(&s->host.d.view, &(struct wh_hook_range){0}, &scan) == 0);
	while (wh_hook_scan_next(&scan, &key, &h) == 0) {
		bool wanted = !h.hidden || sim_dice_chance(&s->dice, 60);

		if (!wanted || sim_dice_below(&s->dice, ++n) != 0)
			continue;
		snprintf(p->whid, sizeof(p->whid), "%.*s", WH_STR_FMT(key));
		p->found = sim_doc_from_pack(&p->doc, h.body) || h.hidden;
		p->revision = h.revision;
	}
	wh_hook_scan_end(&scan);
}

/* The webhook of an earlier create, by its local id, whatever became of it. */
static void
pick_created(struct sim *s, struct pick *p)
{
	uint64_t n = 0;

	bool newest = sim_dice_chance(&s->dice, 400);

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *op = &s->oracle.ops[i];

		if (!op->tmp[0] || !op->acked ||
		    (!newest && sim_dice_below(&s->dice, ++n) != 0))
			continue;
		snprintf(p->whid, sizeof(p->whid), "%s", op->tmp);
		p->doc = op->want;
		p->found = true;
	}
}

static void
pick_target(struct sim *s, struct pick *p)
{
	*p = (struct pick){0};
	if (sim_dice_chance(&s->dice, 250))
		pick_created(s, p);
	if (!p->found)
		pick_visible(s, p);
}

/* -------------------------------------------------------------------- wishes -- */

static void
wish_create(struct sim *s, struct sim_op *op)
{
	struct pick like = {0};

	op->kind = WH_OP_CREATE;
	op->has = WH_RECORD_ALL & ~(1u << SIM_SET);
	op->whole_set = true;
	op->allow_duplicate = sim_dice_chance(&s->dice, 120);
	sim_wish_doc(s, &op->want);
	if (sim_dice_chance(&s->dice, 250)) {
		pick_visible(s, &like);
		if (like.found && like.doc.text[WH_F_WHNAME][0])
			op->want = like.doc;
	}
}

/* What stands at the upstream, so that both sides may want the same. */
static bool
copy_theirs(struct sim *s, const char *whid, char text[SIM_TEXT], unsigned f)
{
	size_t row = sim_world_find(&s->world, wh_str_c(whid));

	if (row == SIZE_MAX)
		return false;
	memcpy(text, sim_row_now(&s->world.rows[row])->doc.text[f], SIM_TEXT);
	return text[0] != '\0';
}

static void
wish_text(struct sim *s, struct sim_op *op, const struct pick *p)
{
	unsigned f = (unsigned)sim_dice_below(&s->dice, WH_F_COUNT - 1);
	uint64_t how = sim_dice_below(&s->dice, 20);

	f += f >= SIM_SET;
	if (how < 3 && p->doc.text[f][0])
		memcpy(op->want.text[f], p->doc.text[f], SIM_TEXT);
	else if (how >= 5 || !copy_theirs(s, p->whid, op->want.text[f], f))
		sim_wish_word(s, op->want.text[f], f);
	op->has |= 1u << f;
}

static void
wish_set(struct sim *s, struct sim_op *op, const struct pick *p)
{
	if (sim_dice_chance(&s->dice, 300)) {
		op->whole_set = true;
		draw_items(s, &op->want, 4);
		return;
	}
	draw_items(s, &op->adds, 2);
	for (unsigned i = 0; i < p->doc.n_items; i++)
		if (sim_dice_chance(&s->dice, 300) &&
		    !sim_doc_has_item(&op->adds, p->doc.item[i]))
			sim_doc_add_item(&op->drops, p->doc.item[i]);
}

static void
wish_update(struct sim *s, struct sim_op *op, const struct pick *p)
{
	static const enum wh_policy policies[] = {WH_POLICY_MERGE, WH_POLICY_LOCAL_WINS,
						  WH_POLICY_REMOTE_WINS, WH_POLICY_MANUAL};

	op->kind = WH_OP_UPDATE;
	for (uint64_t n = sim_dice_below(&s->dice, 3); n > 0; n--)
		wish_text(s, op, p);
	if (op->has == 0 || sim_dice_chance(&s->dice, 250))
		wish_set(s, op, p);
	if (op->has == 0 && !op->whole_set && !op->adds.n_items && !op->drops.n_items)
		wish_text(s, op, p);
	op->has_policy = sim_dice_chance(&s->dice, 250);
	if (op->has_policy)
		op->policy = policies[sim_dice_below(&s->dice, wh_array_len(policies))];
	op->has_revision = sim_dice_chance(&s->dice, 60);
	op->if_revision = p->revision;
}

static uint64_t
hash_more(uint64_t h, const void *p, size_t n)
{
	const unsigned char *at = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Equal wishes have equal hashes; the request_id itself is no part of it. */
static uint64_t
hash_of(const struct sim_op *op)
{
	uint64_t h = hash_more(UINT64_C(0xcbf29ce484222325), &op->want, sizeof(op->want));

	h = hash_more(h, op->target, strlen(op->target));
	h = hash_more(h, &op->adds, sizeof(op->adds));
	h = hash_more(h, &op->drops, sizeof(op->drops));
	h = hash_more(h, &op->kind, sizeof(op->kind));
	h = hash_more(h, &op->has, sizeof(op->has));
	return hash_more(h, &op->if_revision, sizeof(op->if_revision));
}

static void
draw_request_id(struct sim *s, struct sim_op *op)
{
	if (sim_dice_chance(&s->dice, 500))
		snprintf(op->request_id, sizeof(op->request_id), "r%" PRIu64,
			 ++s->people.words);
	op->hash = hash_of(op);
}

size_t
sim_wish_draw(struct sim *s)
{
	size_t at = sim_oracle_new_op(&s->oracle);
	struct sim_op *op = sim_oracle_op(s, at);
	uint64_t kind = sim_dice_below(&s->dice, 100);
	struct pick p;

	pick_target(s, &p);
	wh_require(wh_policy_parse(wh_str_c(s->host.config.queue_policy), &op->policy));
	op->called = s->mono;
	op->uid = 1000;
	if (kind < 28 || !p.found) {
		wish_create(s, op);
	} else {
		snprintf(op->target, sizeof(op->target), "%s", p.whid);
		if (kind < 80) {
			wish_update(s, op, &p);
		} else {
			op->kind = WH_OP_DELETE;
			op->force = sim_dice_chance(&s->dice, 250);
		}
	}
	draw_request_id(s, op);
	return at;
}
