/* SPDX-License-Identifier: MIT */
/*
 * States, legal edges, names and ids of operations. What an operation looks
 * like in the store is in op_body.c, what callers see of it in op_wire.c.
 *
 * Used by everything that treats operations, on any thread. Holds no state,
 * reads no clock and draws no random number: both come in as arguments.
 */
#include "daemon/core/op.h"

struct state_info {
	const char *name;
	bool live;
};

static const struct state_info states[WH_OP_STATE_COUNT] = {
#define WH_OP_STATE(id, name, live, help) [WH_OP_##id] = {#name, live},
#include "daemon/core/op.def"
#undef WH_OP_STATE
};

static const bool edges[WH_OP_STATE_COUNT][WH_OP_STATE_COUNT] = {
#define WH_OP_EDGE(from, to) [WH_OP_##from][WH_OP_##to] = true,
#include "daemon/core/op.def"
#undef WH_OP_EDGE
};

static const char *const kinds[] = {
	[WH_OP_CREATE] = "create",
	[WH_OP_UPDATE] = "update",
	[WH_OP_DELETE] = "delete",
};

static const char *const policies[] = {
	[WH_POLICY_MERGE] = "merge",
	[WH_POLICY_LOCAL_WINS] = "local-wins",
	[WH_POLICY_REMOTE_WINS] = "remote-wins",
	[WH_POLICY_MANUAL] = "manual",
};

static const char *const hooks[] = {
	[WH_HOOK_SYNCED] = "synced",     [WH_HOOK_CREATING] = "creating",
	[WH_HOOK_UPDATING] = "updating", [WH_HOOK_DELETING] = "deleting",
	[WH_HOOK_CONFLICT] = "conflict", [WH_HOOK_HELD] = "held",
	[WH_HOOK_REJECTED] = "rejected",
};

const char *
wh_op_state_str(enum wh_op_state s)
{
	wh_require((unsigned)s < WH_OP_STATE_COUNT);
	return states[s].name;
}

bool
wh_op_state_parse(struct wh_str s, enum wh_op_state *ret)
{
	for (unsigned i = 0; i < WH_OP_STATE_COUNT; i++) {
		if (wh_str_is(s, states[i].name)) {
			*ret = (enum wh_op_state)i;
			return true;
		}
	}
	return false;
}

bool
wh_op_state_live(enum wh_op_state s)
{
	wh_require((unsigned)s < WH_OP_STATE_COUNT);
	return states[s].live;
}

bool
wh_op_state_ended(enum wh_op_state s)
{
	switch (s) {
	case WH_OP_DONE:
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
		return true;
	case WH_OP_QUEUED:
	case WH_OP_CHECKING:
	case WH_OP_SENDING:
	case WH_OP_UNKNOWN:
	case WH_OP_CONFLICT:
	case WH_OP_HELD:
	case WH_OP_DEAD:
	case WH_OP_STATE_COUNT:
		return false;
	}
	return false;
}

bool
wh_op_state_settled(enum wh_op_state s)
{
	return wh_op_state_ended(s) || s == WH_OP_DEAD || s == WH_OP_HELD ||
	       s == WH_OP_CONFLICT;
}

bool
wh_op_edge(enum wh_op_state from, enum wh_op_state to)
{
	return (unsigned)from < WH_OP_STATE_COUNT && (unsigned)to < WH_OP_STATE_COUNT &&
	       edges[from][to];
}

void
wh_op_set_state(struct wh_op *op, enum wh_op_state to, const char *reason, struct wh_wall now)
{
	wh_require(wh_op_edge(op->state, to));
	op->state = to;
	op->reason = wh_str_c(reason);
	op->changed_at = now.ms;
	op->ended_at = wh_op_state_ended(to) ? now.ms : 0;
}

void
wh_op_log(struct wh_op *op, const struct wh_attempt *a)
{
	if (op->n_log == WH_ATTEMPTS_KEPT) {
		memmove(&op->log[0], &op->log[1], sizeof(op->log) - sizeof(op->log[0]));
		op->n_log--;
	}
	op->log[op->n_log++] = *a;
}

const char *
wh_op_kind_str(enum wh_op_kind k)
{
	wh_require((unsigned)k < wh_array_len(kinds));
	return kinds[k];
}

bool
wh_policy_parse(struct wh_str s, enum wh_policy *ret)
{
	for (unsigned i = 0; i < wh_array_len(policies); i++) {
		if (wh_str_is(s, policies[i])) {
			*ret = (enum wh_policy)i;
			return true;
		}
	}
	return false;
}

const char *
wh_policy_str(enum wh_policy p)
{
	wh_require((unsigned)p < wh_array_len(policies));
	return policies[p];
}

const char *
wh_webhook_state_str(enum wh_webhook_state s)
{
	wh_require((unsigned)s < wh_array_len(hooks));
	return hooks[s];
}

/* RFC 9562, 5.7: 48 bit of time, version 7, 12 random, variant 10, 62 random. */
void
wh_op_id_make(uint8_t id[16], struct wh_wall now, const uint8_t random[10])
{
	uint64_t ms = (uint64_t)now.ms;

	for (unsigned i = 0; i < 6; i++)
		id[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(id + 6, random, 10);
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

#define COUNT_BITS 12u

/* The counter of a millisecond begins in its lower half, and more than are left are not drawn
 * in one: these would be out of order, no more. */
void
wh_op_id_next(struct wh_op_ids *ids, uint8_t id[16], struct wh_wall now,
	      const uint8_t random[10])
{
	const unsigned mask = (1u << COUNT_BITS) - 1;

	wh_op_id_make(id, now, random);
	if (now.ms == ids->ms)
		ids->count = (ids->count + 1) & mask;
	else
		ids->count = ((unsigned)id[6] << 8 | id[7]) & (mask >> 1);
	ids->ms = now.ms;
	id[6] = (uint8_t)(0x70 | ids->count >> 8);
	id[7] = (uint8_t)ids->count;
}

/* True before the bytes that a dash precedes in the text form. */
static bool
dash_before(unsigned byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void
wh_op_id_text(const uint8_t id[16], char text[WH_OP_TEXT_ID + 1])
{
	static const char hex[] = "0123456789abcdef";
	char *at = text;

	for (unsigned i = 0; i < 16; i++) {
		if (dash_before(i))
			*at++ = '-';
		*at++ = hex[id[i] >> 4];
		*at++ = hex[id[i] & 0x0f];
	}
	*at = '\0';
}

void
wh_op_name(struct wh_op_names *ret, const struct wh_op *op)
{
	wh_op_id_text(op->id, ret->op);
	snprintf(ret->whid, sizeof(ret->whid), "%.*s", WH_STR_FMT(op->target));
}

static uint8_t
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	return (uint8_t)((c | 0x20) - 'a' + 10);
}

bool
wh_op_id_parse(struct wh_str text, uint8_t id[16])
{
	const char *at = text.p;

	if (!wh_str_is_guid(text))
		return false;
	for (unsigned i = 0; i < 16; i++) {
		if (dash_before(i))
			at++;
		id[i] = (uint8_t)(hex_value(at[0]) << 4 | hex_value(at[1]));
		at += 2;
	}
	return true;
}

bool
wh_tmp_id_is(struct wh_str whid)
{
	return whid.n == WH_TMP_ID && memcmp(whid.p, "tmp-", 4) == 0 &&
	       wh_str_is_guid(wh_str(whid.p + 4, WH_OP_TEXT_ID));
}
