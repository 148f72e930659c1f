/* SPDX-License-Identifier: MIT */
/*
 * What the gates remember across a restart: waits that the upstream asked for.
 * All else is found out anew by the first request, which may well succeed.
 *
 * The text has one line a gate, `name since hold`, both in wall milliseconds.
 * Called by the loop at start and whenever a gate changes. Monotonic time does
 * not survive a process and wall time may have jumped, so a wait is never
 * restored longer than it was asked for.
 */
#include "daemon/core/gate.h"

#include <inttypes.h>

#define HOUR (INT64_C(3600) * 1000)
#define DAY (24 * HOUR)
#define WALL_MAX (INT64_C(1) << 53)

/* The longest wait believed; 0 = not remembered. */
static const int64_t longest[WH_GATE_COUNT] = {
	[WH_GATE_LINK] = HOUR + HOUR / 10,
	[WH_GATE_QUOTA] = 34 * DAY,
	[WH_GATE_RATE] = HOUR + HOUR / 10,
};

void
wh_gates_save(const struct wh_gates *g, struct wh_now now, struct wh_buf *out)
{
	for (unsigned i = 0; i < WH_GATE_COUNT; i++) {
		const struct wh_gate_one *one = &g->g[i];
		const int64_t left = one->hold.ms - now.mono.ms;

		if (!one->shut || longest[i] == 0 || one->hold.ms == 0 || left <= 0)
			continue;
		wh_buf_printf(out, "%s %" PRId64 " %" PRId64 "\n",
			      wh_gate_str((enum wh_gate_id)i), one->since.ms,
			      now.wall.ms + left);
	}
}

/* Takes the text up to `end` off the front; all of it if there is none. */
static struct wh_str
take_until(struct wh_str *s, char end)
{
	const char *at = s->n ? memchr(s->p, end, s->n) : NULL;
	size_t n = at ? (size_t)(at - s->p) : s->n;
	struct wh_str got = wh_str(s->p, n);

	*s = at ? wh_str(at + 1, s->n - n - 1) : WH_STR_NULL;
	return got;
}

static enum wh_gate_id
gate_by_name(struct wh_str name)
{
	enum wh_gate_id id = WH_GATE_LINK;

	while (id < WH_GATE_COUNT && !wh_str_is(name, wh_gate_str(id)))
		id++;
	return id;
}

static void
load_line(struct wh_gates *g, struct wh_str line, struct wh_now now)
{
	const enum wh_gate_id id = gate_by_name(take_until(&line, ' '));
	struct wh_gate_one *one;
	int64_t since;
	int64_t hold;
	int64_t left;

	if (id == WH_GATE_COUNT || longest[id] == 0)
		return;
	if (!wh_parse_i64(take_until(&line, ' '), 0, WALL_MAX, &since) ||
	    !wh_parse_i64(line, 0, WALL_MAX, &hold))
		return;
	left = hold - now.wall.ms;
	if (left > hold - since) /* the wall clock was set back */
		left = hold - since;
	if (left > longest[id])
		left = longest[id];
	if (left <= 0)
		return;
	one = &g->g[id];
	*one = (struct wh_gate_one){.shut = true};
	one->since.ms = since < now.wall.ms ? since : now.wall.ms;
	one->hold.ms = now.mono.ms + left;
	one->until.ms = now.mono.ms + (left < HOUR ? left : HOUR);
}

void
wh_gates_load(struct wh_gates *g, struct wh_str text, struct wh_now now)
{
	while (text.n > 0)
		load_line(g, take_until(&text, '\n'), now);
}
