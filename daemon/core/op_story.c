/* SPDX-License-Identifier: MIT */
/*
 * An operation in words. What happened is one table; what is next depends on
 * the state, on its reason, and on what stands in its way.
 *
 * Called on the loop by queue.get; pure.
 */
#include "daemon/core/op_story.h"

#include <time.h>

struct reason {
	enum wh_op_state state;
	const char *token;
	const char *why;
};

static const struct reason reasons[] = {
#define WH_REASON(state, token, why) {WH_OP_##state, token, why},
#include "daemon/core/reasons.def"
#undef WH_REASON
};

const char *
wh_op_why(const struct wh_op *op)
{
	struct wh_str token = op->reason.n ? op->reason : op->result;

	for (size_t i = 0; i < wh_array_len(reasons); i++)
		if (reasons[i].state == op->state && wh_str_is(token, reasons[i].token))
			return reasons[i].why;
	return "";
}

/* ----------------------------------------------------------------- next -- */

/* What a person can do about a held operation: the first row that fits; the last fits all. */
struct held_next {
	const char *reason;
	const char *why;
	const char *verb; /* of `whctl queue`, "" if there is nothing to do to this one */
	const char *words;
	bool create; /* one of these only */
};

#define DECIDE " adopt --whid ID, or recreate to send it again, or discard"

static const struct held_next held_next[] = {
	{"admin", "waits for an admin", "release", "", false},
	{"dependency", "waits for the operation before it on the same webhook: settle that one",
	 "", "", false},
	{"forbidden", "the upstream does not permit it; once it does", "retry", "", false},
	{"ambiguous", "waits for a person, the upstream may have made it under other values",
	 "resolve", DECIDE, false},
	{"no_complete_list", "waits for a person, no list of the upstream was complete",
	 "resolve", DECIDE, true},
	{"no_complete_list",
	 "waits for a person, no list of the upstream was complete; to look again", "release",
	 ", or cancel", false},
	{"vanished", "waits for a person, the upstream reported it done but does not list it",
	 "resolve", DECIDE, false},
	{"restored", "waits for a person, a restored store cannot tell if it was sent",
	 "resolve", DECIDE, false},
	{"damaged",
	 "waits for a person, its record was damaged: ask for the change again, then", "cancel",
	 "", false},
	{"outdated", "waits for a person, it may be older than it was; if it is right",
	 "release", ", or else cancel", false},
	{NULL, "waits for a person", "release", "", false},
};

static void
add_command(struct wh_buf *out, const struct wh_op *op, const char *verb, const char *words)
{
	char id[WH_OP_TEXT_ID + 1];

	wh_op_id_text(op->id, id);
	wh_buf_printf(out, ": whctl queue %s %s%s", verb, id, words);
}

static bool
fits(const struct held_next *h, const struct wh_op *op)
{
	if (!h->reason)
		return true;
	return wh_str_is(op->reason, h->reason) && (!h->create || op->kind == WH_OP_CREATE);
}

static void
held_sentence(struct wh_buf *out, const struct wh_op *op)
{
	const struct held_next *h = held_next;

	while (!fits(h, op))
		h++;
	wh_buf_c(out, h->why);
	if (h->verb[0])
		add_command(out, op, h->verb, h->words);
}

static void
conflict_sentence(struct wh_buf *out, const struct wh_op *op, const struct wh_op_around *around)
{
	const bool gone = op->theirs.n == 0 && !around->there;

	wh_buf_c(out, "waits for a person");
	if (gone)
		wh_buf_c(out, ", the webhook is gone at the upstream");
	else if (op->theirs.n == 0)
		wh_buf_c(out, ", the webhook is there again at the upstream");
	add_command(out, op, "resolve", gone ? " recreate, or discard" : " mine, or theirs");
}

/* " 2026-11-23 09:22:17 UTC", or nothing for a time that cannot be shown. */
static void
add_time(struct wh_buf *out, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[40];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), " %Y-%m-%d %H:%M:%S UTC", &tm))
		wh_buf_c(out, text);
}

/* " once the gate rate is open, the upstream is asked again at ..." */
static void
add_gate(struct wh_buf *out, const struct wh_op_around *around)
{
	wh_buf_printf(out, " once the gate %s is open; the upstream is asked again at",
		      around->gate);
	add_time(out, around->gate_until);
}

static void
queued_sentence(struct wh_buf *out, const struct wh_op *op, const struct wh_op_around *around)
{
	bool tried = op->attempts > 0 || op->failures > 0;

	if (around->behind) {
		wh_buf_c(out, "sent after the operation before it on the same webhook");
	} else if (around->like_another) {
		wh_buf_c(out, "sent once another create of the same name or url is decided");
	} else if (around->gate) {
		wh_buf_c(out, "sent");
		add_gate(out, around);
	} else if (wh_str_is(op->reason, WH_OP_SETTLING)) {
		wh_buf_c(out, "sent when the other request can take effect no more, at");
		add_time(out, op->next_at);
	} else if (op->next_at && tried) {
		wh_buf_c(out, "sent again at");
		add_time(out, op->next_at);
		wh_buf_c(out, ", or at once with");
		add_command(out, op, "retry", "");
	} else {
		wh_buf_c(out, "sent when its turn comes and the upstream can be reached");
	}
}

static void
unknown_sentence(struct wh_buf *out, const struct wh_op *op, const struct wh_op_around *around)
{
	wh_buf_c(out, "looked up in the next list");
	if (around->gate) {
		add_gate(out, around);
	} else if (op->next_at) {
		wh_buf_c(out, ", which is due at the latest at");
		add_time(out, op->next_at);
	}
	wh_buf_c(out, "; not sent again before that tells what became of it");
}

void
wh_op_next(struct wh_buf *out, const struct wh_op *op, const struct wh_op_around *around)
{
	switch (op->state) {
	case WH_OP_QUEUED:
		queued_sentence(out, op, around);
		break;
	case WH_OP_CHECKING:
		wh_buf_c(out, "sent once the upstream's row has been read and still fits");
		break;
	case WH_OP_SENDING:
		wh_buf_c(out, "waits for the upstream's reply");
		break;
	case WH_OP_UNKNOWN:
		unknown_sentence(out, op, around);
		break;
	case WH_OP_CONFLICT:
		conflict_sentence(out, op, around);
		break;
	case WH_OP_HELD:
		held_sentence(out, op);
		break;
	case WH_OP_DEAD:
		wh_buf_c(out, "not sent again unless a person acts");
		add_command(out, op, "retry", ", or cancel");
		break;
	case WH_OP_DONE:
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
		wh_buf_c(out, "nothing, it has ended");
		break;
	case WH_OP_STATE_COUNT:
		break;
	}
}
