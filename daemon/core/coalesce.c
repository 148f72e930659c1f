/* SPDX-License-Identifier: MIT */
/*
 * A new operation against the last one of its lane. The table is the manual's,
 * row by row; what may have been sent is never touched.
 *
 * Called by the enqueue transaction, and by dry runs on the loop; pure.
 */
#include "daemon/core/coalesce.h"

bool
wh_op_never_sent(const struct wh_op *op)
{
	uint32_t doubtful =
		WH_OPF_MAYBE_SENT | WH_OPF_EXECUTED | WH_OPF_RESTORED | WH_OPF_SENT_BEFORE;

	if (op->flags & doubtful)
		return false;
	if (op->state == WH_OP_QUEUED)
		return true;
	return op->state == WH_OP_HELD &&
	       (wh_str_is(op->reason, "admin") || wh_str_is(op->reason, "dependency"));
}

/* A webhook whose delete is under way is gone for every reader, sent or not. */
static enum wh_coalesce
after_delete(enum wh_op_kind kind)
{
	switch (kind) {
	case WH_OP_CREATE:
		return WH_CO_APPEND;
	case WH_OP_UPDATE:
		return WH_CO_REFUSE_DELETED;
	case WH_OP_DELETE:
		return WH_CO_SAME;
	}
	return WH_CO_APPEND;
}

static enum wh_coalesce
after_create(enum wh_op_kind kind)
{
	switch (kind) {
	case WH_OP_CREATE:
		return WH_CO_APPEND;
	case WH_OP_UPDATE:
		return WH_CO_ABSORB;
	case WH_OP_DELETE:
		return WH_CO_CANCEL_BOTH;
	}
	return WH_CO_APPEND;
}

/* An admin's hold stays in force: a delete waits behind it instead of taking over. */
static bool
is_held_by_admin(const struct wh_op *op)
{
	return op->state == WH_OP_HELD && wh_str_is(op->reason, "admin");
}

static enum wh_coalesce
after_update(const struct wh_op *tail, enum wh_op_kind kind, enum wh_policy policy)
{
	switch (kind) {
	case WH_OP_CREATE:
		return WH_CO_APPEND;
	case WH_OP_UPDATE: /* one that says otherwise about others' changes stays by itself */
		return tail->policy == policy ? WH_CO_ABSORB : WH_CO_APPEND;
	case WH_OP_DELETE:
		return is_held_by_admin(tail) ? WH_CO_APPEND : WH_CO_REPLACE;
	}
	return WH_CO_APPEND;
}

enum wh_coalesce
wh_coalesce(const struct wh_op *tail, enum wh_op_kind kind, enum wh_policy policy)
{
	if (!tail)
		return WH_CO_APPEND;
	if (tail->kind == WH_OP_DELETE)
		return after_delete(kind);
	if (!wh_op_never_sent(tail))
		return WH_CO_APPEND;
	return tail->kind == WH_OP_CREATE ? after_create(kind)
					  : after_update(tail, kind, policy);
}

void
wh_coalesce_fields(struct wh_buf *out, const struct wh_record *earlier,
		   const struct wh_record *later)
{
	struct wh_record both = *earlier;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (!wh_record_has(later, (enum wh_field)f))
			continue;
		both.text[f] = later->text[f];
		both.set[f] = later->set[f];
		both.seen |= 1u << f;
	}
	wh_record_pack(out, &both);
}
