/* SPDX-License-Identifier: MIT */
/*
 * The admin. In the active part verbs come by chance, legal or not; when it is
 * calm, whatever asks for a person gets a decision until nothing does.
 */
#include <stdio.h>

#include "tests/sim/sim.h"

#define SETTLE_EVERY_MS 20000

static void
say_verb(struct sim *s, const struct sim_call *c)
{
	char name[64] = "";
	const struct sim_op *op = sim_oracle_op(s, c->op);

	sim_say(s, "admin", "%s %s %.*s %.*s", wh_commands[c->v.verb].method,
		op ? sim_op_name(s, op, name) : "", WH_STR_FMT(wh_buf_view(&c->v.take)),
		WH_STR_FMT(wh_buf_view(&c->v.whid)));
}

static void
do_verb(struct sim *s, size_t op, enum wh_cmd_id verb, const char *take, const char *whid)
{
	struct sim_call *c = sim_call_new_verb(s, verb, op);

	if (take)
		wh_buf_c(&c->v.take, take);
	if (whid)
		wh_buf_c(&c->v.whid, whid);
	if (verb == WH_CMD_queue_cancel)
		c->v.cascade = s->calm || sim_dice_chance(&s->dice, 500);
	say_verb(s, c);
	sim_call_submit(s, c);
}

/* A webhook that a held create may have made: one that shares its url or name, else any. */
static const char *
pick_made(struct sim *s, const struct sim_op *op)
{
	const char *found = NULL;
	uint64_t n = 0;

	for (size_t i = 0; i < s->world.n; i++) {
		const struct sim_row *r = &s->world.rows[i];
		const struct sim_doc *d = &sim_row_now(r)->doc;
		bool near = sim_text_same(d->text[WH_F_WHNAME], op->want.text[WH_F_WHNAME]) ||
			    sim_text_same(d->text[WH_F_CALLBACK], op->want.text[WH_F_CALLBACK]);

		if (!sim_row_alive(r) || (!near && sim_dice_chance(&s->dice, 900)))
			continue;
		if (sim_dice_below(&s->dice, ++n) == 0)
			found = r->whid;
	}
	return found;
}

static void
resolve(struct sim *s, size_t at)
{
	static const char *const takes[] = {"mine", "theirs", "recreate", "discard", "adopt"};
	const struct sim_op *op = sim_oracle_op(s, at);
	const char *take = takes[sim_dice_below(&s->dice, wh_array_len(takes))];
	const char *made = pick_made(s, op);

	if (strcmp(take, "adopt") == 0 && (!made || op->kind != WH_OP_CREATE))
		take = "mine";
	do_verb(s, at, WH_CMD_queue_resolve, take, strcmp(take, "adopt") == 0 ? made : NULL);
}

/* Any operation, open ones first. */
static size_t
pick_op(struct sim *s)
{
	size_t found = SIZE_MAX;
	uint64_t n = 0;

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *op = &s->oracle.ops[i];
		bool open = op->committed && !wh_op_state_ended(op->state);

		if (!op->committed || (!open && sim_dice_chance(&s->dice, 980)))
			continue;
		if (sim_dice_below(&s->dice, ++n) == 0)
			found = i;
	}
	return found;
}

static void
act_by_chance(struct sim *s)
{
	static const enum wh_cmd_id verbs[] = {WH_CMD_queue_retry,   WH_CMD_queue_cancel,
					       WH_CMD_queue_hold,    WH_CMD_queue_hold,
					       WH_CMD_queue_release, WH_CMD_queue_resolve,
					       WH_CMD_queue_resolve};
	enum wh_cmd_id verb = verbs[sim_dice_below(&s->dice, wh_array_len(verbs))];
	size_t op = pick_op(s);

	if (sim_dice_chance(&s->dice, 80)) {
		do_verb(s, SIZE_MAX, WH_CMD_queue_flush, NULL, NULL);
	} else if (sim_dice_chance(&s->dice, s->oracle.suspect ? 600 : 30)) {
		sim_say(s, "admin", "sync.accept");
		if (s->oracle.suspect)
			sim_cover_row(s->coverage, SIM_ROW_ACCEPTED);
		sim_call_submit(s, sim_call_new_verb(s, WH_CMD_sync_accept, SIZE_MAX));
	} else if (op == SIZE_MAX) {
		return;
	} else if (verb == WH_CMD_queue_resolve) {
		resolve(s, op);
	} else {
		do_verb(s, op, verb, NULL, NULL);
	}
}

/* ------------------------------------------------------------------ settling -- */

static void
settle_held(struct sim *s, size_t at, const struct sim_op *op)
{
	if (strcmp(op->reason, "dependency") == 0)
		return; /* follows the one before it */
	if (strcmp(op->reason, "ambiguous") == 0 || strcmp(op->reason, "vanished") == 0 ||
	    strcmp(op->reason, "restored") == 0)
		sim_dice_chance(&s->dice, 500)
			? resolve(s, at)
			: do_verb(s, at, WH_CMD_queue_cancel, NULL, NULL);
	else
		do_verb(s, at, WH_CMD_queue_release, NULL, NULL);
}

static void
settle_one(struct sim *s, size_t at)
{
	const struct sim_op *op = sim_oracle_op(s, at);

	if (!op->committed)
		return;
	switch (op->state) {
	case WH_OP_CONFLICT:
		resolve(s, at);
		break;
	case WH_OP_HELD:
		settle_held(s, at, op);
		break;
	case WH_OP_DEAD:
		do_verb(s, at,
			sim_dice_chance(&s->dice, 300) ? WH_CMD_queue_retry
						       : WH_CMD_queue_cancel,
			NULL, NULL);
		break;
	case WH_OP_QUEUED:
	case WH_OP_CHECKING:
	case WH_OP_SENDING:
	case WH_OP_UNKNOWN:
	case WH_OP_DONE:
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
	case WH_OP_STATE_COUNT:
		break;
	}
}

void
sim_admin_turn(struct sim *s, uint64_t settling)
{
	bool ready = s->host.up && !s->host.stopping && s->host.d.pump;

	if (s->calm && !settling)
		return;
	if (settling)
		for (size_t i = 0; ready && i < s->oracle.n; i++)
			settle_one(s, i);
	else if (ready)
		act_by_chance(s);
	sim_later(s, settling ? SETTLE_EVERY_MS : sim_about(s, s->plan.admin_every),
		  sim_admin_turn, settling);
}
