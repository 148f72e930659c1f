/* SPDX-License-Identifier: MIT */
/*
 * What whd has no hand in: other people's changes at the upstream, weather,
 * jumps of the wall clock, new keys, kills.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/pump.h"
#include "tests/sim/sim.h"

#define FAR_MS (INT64_C(5) * 86400 * 1000)

/* -------------------------------------------------------------- other people -- */

/* A webhook like one that a client is just creating. */
static bool
copy_pending(struct sim *s, struct sim_doc *doc)
{
	for (size_t i = s->oracle.n; i > 0; i--) {
		const struct sim_op *op = &s->oracle.ops[i - 1];

		if (op->kind != WH_OP_CREATE || wh_op_state_ended(op->state))
			continue;
		*doc = op->want;
		if (sim_dice_chance(&s->dice, 500))
			sim_wish_word(s, doc->text[WH_F_WHCOMMENT], WH_F_WHCOMMENT);
		return true;
	}
	return false;
}

static void
others_add(struct sim *s)
{
	struct sim_version v = {.at = s->mono, .by = SIM_BY_OTHERS};
	size_t row;

	if (!sim_dice_chance(&s->dice, 300) || !copy_pending(s, &v.doc))
		sim_wish_doc(s, &v.doc);
	row = sim_world_add(&s->world, &s->dice, &v);
	sim_say(s, "others", "add %s '%s'", s->world.rows[row].whid, v.doc.text[WH_F_WHNAME]);
}

/* A value that a client wants, too. */
static bool
copy_wanted(struct sim *s, const char *whid, char text[SIM_TEXT], unsigned f)
{
	for (size_t i = s->oracle.n; i > 0; i--) {
		const struct sim_op *op = &s->oracle.ops[i - 1];

		if (op->kind == WH_OP_UPDATE && (op->has >> f & 1u) &&
		    sim_text_same(op->target, whid)) {
			memcpy(text, op->want.text[f], SIM_TEXT);
			return true;
		}
	}
	return false;
}

static void
edit(struct sim *s, struct sim_doc *doc, const char *whid)
{
	unsigned f = (unsigned)sim_dice_below(&s->dice, WH_F_COUNT);
	char item[SIM_ITEM];

	if (f != SIM_SET) {
		if (!sim_dice_chance(&s->dice, 250) || !copy_wanted(s, whid, doc->text[f], f))
			sim_wish_word(s, doc->text[f], f);
		return;
	}
	snprintf(item, sizeof(item), "p%" PRIu64, sim_dice_below(&s->dice, 9));
	if (sim_doc_has_item(doc, item))
		sim_doc_drop_item(doc, item);
	else
		sim_doc_add_item(doc, item);
}

/* The newest webhook that whd made; SIZE_MAX if there is none. */
static size_t
newest_made(const struct sim *s)
{
	for (size_t i = s->world.n; i > 0; i--)
		if (s->world.rows[i - 1].born_by && sim_row_alive(&s->world.rows[i - 1]))
			return i - 1;
	return SIZE_MAX;
}

/* Others prefer webhooks that are being worked on or were just made, so that the two meet. */
static size_t
pick_row(struct sim *s)
{
	size_t made = sim_dice_chance(&s->dice, 200) ? newest_made(s) : SIZE_MAX;

	if (made != SIZE_MAX)
		return made;
	if (s->oracle.now.n && sim_dice_chance(&s->dice, 600)) {
		const struct sim_listed *e =
			&s->oracle.now.at[sim_dice_below(&s->dice, s->oracle.now.n)];
		const struct sim_op *op = sim_oracle_by_id(s, e->id);
		size_t row = op ? sim_world_find(&s->world, wh_str_c(op->whid)) : SIZE_MAX;

		if (row != SIZE_MAX && sim_row_alive(&s->world.rows[row]))
			return row;
	}
	return sim_world_nth_alive(&s->world,
				   sim_dice_below(&s->dice, sim_world_alive(&s->world)));
}

static void
say_edit(struct sim *s, size_t row, bool remove)
{
	const struct sim_row *r = &s->world.rows[row];
	const struct sim_doc *was = &r->versions[r->n - 2].doc, *now = &sim_row_now(r)->doc;
	struct wh_buf items = WH_BUF_NULL;
	unsigned f = 0;

	if (!s->trace)
		return;
	while (f < WH_F_COUNT && !(sim_doc_diff(was, now) >> f & 1u))
		f++;
	for (unsigned i = 0; f == SIM_SET && i < now->n_items; i++)
		wh_buf_printf(&items, " %s", now->item[i]);
	if (remove || f == WH_F_COUNT)
		sim_say(s, "others", "%s %s", remove ? "delete" : "touch", r->whid);
	else
		sim_say(s, "others", "change %s: %s =%.*s%s", r->whid, wh_fields[f].name,
			WH_STR_FMT(wh_buf_view(&items)), f == SIM_SET ? "" : now->text[f]);
	wh_buf_fini(&items);
}

static void
others_change(struct sim *s, bool remove)
{
	size_t row = pick_row(s);
	struct sim_version v = *sim_row_now(&s->world.rows[row]);

	v.at = s->mono;
	v.by = SIM_BY_OTHERS;
	v.transfer = 0;
	v.gone = remove;
	if (!remove)
		edit(s, &v.doc, s->world.rows[row].whid);
	sim_world_write(&s->world, row, v);
	sim_cover_event(s->coverage, s, remove ? SIM_EVENT_REMOVE : SIM_EVENT_EDIT);
	say_edit(s, row, remove);
}

void
sim_others_turn(struct sim *s, uint64_t unused)
{
	uint64_t what = sim_dice_below(&s->dice, 100);
	size_t alive = sim_world_alive(&s->world);

	(void)unused;
	if (s->calm)
		return;
	if (alive == 0 || (what < 25 && alive < 30))
		others_add(s);
	else
		others_change(s, what >= 88);
	sim_later(s, sim_about(s, s->plan.others_every), sim_others_turn, 0);
}

/* -------------------------------------------------------------------- nature -- */

static void
spell_ends(struct sim *s, uint64_t unused)
{
	(void)unused;
	s->weather = SIM_FINE;
	sim_say(s, "weather", "fine");
}

static void
spell(struct sim *s, uint64_t unused)
{
	static const enum sim_weather kinds[] = {
		SIM_DOWN,   SIM_DOWN,  SIM_SILENT,    SIM_SILENT,  SIM_BROKEN, SIM_BROKEN,
		SIM_LOCKED, SIM_QUOTA, SIM_THROTTLED, SIM_REFUSED, SIM_LYING};

	(void)unused;
	if (s->calm)
		return;
	s->weather = kinds[sim_dice_below(&s->dice, wh_array_len(kinds))];
	sim_cover_event(s->coverage, s, SIM_EVENT_SPELL);
	sim_say(s, "weather", "%s", sim_weather_str(s->weather));
	sim_later(s, sim_about(s, s->plan.spell_every / 3), spell_ends, 0);
	sim_later(s, sim_about(s, s->plan.spell_every), spell, 0);
}

static void
jump(struct sim *s, uint64_t unused)
{
	static const int64_t reach[] = {
		2000, 5000, 60000, 60000, INT64_C(3600) * 1000, INT64_C(86400) * 200 * 1000};
	int64_t by = sim_about(s, reach[sim_dice_below(&s->dice, wh_array_len(reach))]);
	bool back = sim_dice_chance(&s->dice, 500);

	(void)unused;
	if (s->calm)
		return;
	s->wall_offset += back ? -by : by;
	s->far_jump |= by > FAR_MS;
	sim_cover_event(s->coverage, s, back ? SIM_EVENT_JUMP_BACK : SIM_EVENT_JUMP_AHEAD);
	sim_say(s, "clock", "the wall clock jumps by %" PRId64 " ms", back ? -by : by);
	sim_later(s, sim_about(s, s->plan.jump_every), jump, 0);
}

static void
strike(struct sim *s, uint64_t unused)
{
	(void)unused;
	if (s->calm)
		return;
	if (sim_dice_chance(&s->dice, 250))
		sim_host_stop(s);
	else
		sim_host_crash(s, "at any moment");
	sim_later(s, sim_about(s, s->plan.crash_every), strike, 0);
}

/* ---------------------------------------------------------------------- keys -- */

/* New keys are in the file, and whd reads it. */
static void
read_keys(struct sim *s, uint64_t unused)
{
	struct wh_keys *k = &s->host.keys;
	unsigned first = (unsigned)sim_dice_below(&s->dice, SIM_KEYS_MAX);

	(void)unused;
	k->n = s->calm ? SIM_KEYS_MAX : (size_t)sim_dice_between(&s->dice, 1, SIM_KEYS_MAX);
	k->active = 0;
	for (unsigned i = 0; i < k->n; i++)
		k->index[i] = (first + i) % SIM_KEYS_MAX;
	if (!sim_host_has_good_key(s))
		sim_cover_row(s->coverage, SIM_ROW_KEYS_READ);
	sim_say(s, "keys", "read again, %zu of them", k->n);
	if (!s->host.up || s->host.stopping || !s->host.d.pump)
		return;
	sim_host_enter(s);
	wh_pump_keys_changed(s->host.d.pump);
}

static void
rotate(struct sim *s, uint64_t unused)
{
	(void)unused;
	if (s->calm)
		return;
	s->net.keys_valid = (unsigned)sim_dice_below(&s->dice, 1u << SIM_KEYS_MAX);
	sim_cover_event(s->coverage, s, SIM_EVENT_KEYS);
	sim_say(s, "keys", "valid from now on: mask %u", s->net.keys_valid);
	sim_later(s, sim_about(s, s->plan.rotate_every / 3), read_keys, 0);
	sim_later(s, sim_about(s, s->plan.rotate_every), rotate, 0);
}

static void
begin_one(struct sim *s, int64_t every, sim_fn *fn)
{
	if (every)
		sim_later(s, sim_about(s, every), fn, 0);
}

void
sim_nature_begin(struct sim *s)
{
	begin_one(s, s->plan.spell_every, spell);
	begin_one(s, s->plan.jump_every, jump);
	begin_one(s, s->plan.crash_every, strike);
	begin_one(s, s->plan.rotate_every, rotate);
	begin_one(s, s->plan.copy_every, sim_host_copy);
}

void
sim_nature_calm(struct sim *s)
{
	s->weather = SIM_FINE;
	s->net.keys_valid = (1u << SIM_KEYS_MAX) - 1;
	sim_later(s, 1000, read_keys, 0);
}
