/* SPDX-License-Identifier: MIT */
/*
 * Unknown outcomes, decided by looking. What is found decides whenever it was
 * listed; what is not found decides only if the whole list was seen and was
 * begun after the attempt had ended. In doubt the answer is "look again".
 *
 * The operation's counters already include the present list. Called by the
 * transaction that ends a list or a check; pure.
 */
#include "daemon/core/norm.h"
#include "daemon/core/observe.h"

#define NEGATIVES_TO_RETRY 2 /* complete lists that lack a create before it is sent again */
#define NEGATIVES_TO_LOSE 3  /* ... that lack one reported executed: it is never sent again */
#define INCOMPLETES_MAX 3    /* lists that prove nothing before a person is asked */
/* ... of an update or a delete, which any whole list decides: it may come by itself */
#define INCOMPLETES_PATIENT 10

enum wh_observe
wh_observe_create(const struct wh_op *op, const struct wh_sighting *s)
{
	if (s->exact > 0)
		return WH_OB_APPLIED;
	if (!s->complete)
		return op->incompletes >= INCOMPLETES_MAX ? WH_OB_NO_COMPLETE : WH_OB_AGAIN;
	if (!s->began_after)
		return WH_OB_AGAIN;
	if (s->near > 0 && !s->refused) /* one that is like it is why it was refused */
		return WH_OB_AMBIGUOUS;
	if (op->flags & WH_OPF_RESTORED)
		return WH_OB_AMBIGUOUS;
	if (op->flags & WH_OPF_EXECUTED)
		return op->negatives >= NEGATIVES_TO_LOSE ? WH_OB_LOST : WH_OB_AGAIN;
	if (op->negatives < NEGATIVES_TO_RETRY || !s->settled)
		return WH_OB_AGAIN;
	return s->kin && !s->refused ? WH_OB_AMBIGUOUS : WH_OB_NOT_EXECUTED;
}

/* A row that the list lacks, while only a whole one could tell that it is gone. */
static enum wh_observe
unseen(const struct wh_op *op)
{
	return op->incompletes >= INCOMPLETES_PATIENT ? WH_OB_NO_COMPLETE : WH_OB_AGAIN;
}

enum wh_observe
wh_observe_update(const struct wh_op *op, const struct wh_record *base,
		  const struct wh_record *desired, const struct wh_sighting *s)
{
	/* Is it known what it would have sent? A person may have let go what came from a store
	 * that was put back, in which nothing of it had gone out. */
	bool known = desired && !(op->flags & WH_OPF_RESTORED);

	if (s->row && known && wh_norm_diff(s->row, desired) == 0)
		return WH_OB_APPLIED;
	if (!s->began_after)
		return WH_OB_AGAIN;
	if (!s->row)
		return s->complete ? WH_OB_GONE : unseen(op);
	if (!known) /* its own base decides */
		return WH_OB_THIRD;
	if (wh_norm_diff(s->row, base) == 0)
		return WH_OB_NOT_EXECUTED;
	return WH_OB_THIRD;
}

enum wh_observe
wh_observe_delete(const struct wh_op *op, const struct wh_record *base,
		  const struct wh_sighting *s)
{
	if (!s->began_after)
		return WH_OB_AGAIN;
	if (!s->row)
		return s->complete ? WH_OB_ABSENT_DONE : unseen(op);
	if (op->flags & WH_OPF_FORCE)
		return WH_OB_NOT_EXECUTED;
	if (wh_norm_diff(s->row, base) == 0)
		return WH_OB_NOT_EXECUTED;
	return WH_OB_THIRD;
}

bool
wh_observe_settled(const struct wh_op *op, uint64_t boot, struct wh_mono began,
		   int64_t settle_timeout_ms, int64_t settle_error_ms)
{
	const struct wh_settle s = {
		.since = {op->settle_mono},
		.answered = op->flags & WH_OPF_ANSWERED,
	};

	return op->boot == boot &&
	       wh_settle_left(&s, began, settle_timeout_ms, settle_error_ms) == 0;
}

int64_t
wh_settle_left(const struct wh_settle *s, struct wh_mono now, int64_t settle_timeout_ms,
	       int64_t settle_error_ms)
{
	int64_t wait = s->answered ? settle_error_ms : settle_timeout_ms;
	int64_t left = wait - (now.ms - s->since.ms);

	return left > 0 ? left : 0;
}
