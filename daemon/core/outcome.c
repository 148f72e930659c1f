/* SPDX-License-Identifier: MIT */
/*
 * The judge: facts of one transfer in, a verdict out. The rules stand in one
 * table, tried from the top; the first row that fits decides, and its sentence
 * goes into the attempt's record, so that anyone can ask why.
 *
 * Called by the pump for every reply and every failure; any thread. Owns
 * nothing, reads no clock, and never guesses: what is not covered is unknown,
 * and an unknown outcome is looked at before anything is sent again.
 */
#include "daemon/core/outcome.h"

#include "daemon/core/complaint.h"
#include "daemon/core/reply_text.h"
#include "daemon/core/retry.h"
#include "proto/json.h"

#define REPLY_DEPTH 32 /* nesting of a reply that is looked into */

/* Which requests a rule is for. */
#define ON_POST 1u
#define ON_PATCH 2u
#define ON_DELETE 4u
#define ON_READ 8u
#define ON_CHANGE (ON_POST | ON_PATCH | ON_DELETE)
#define ON_ANY (ON_CHANGE | ON_READ)

/* What a rule may ask of the facts. */
#define NOT_SENT 1u /* no byte of the request was taken by a socket */
#define OURS 2u     /* stopped by ourselves: shutdown, out of memory */
#define NO_REPLY 4u /* no status line came */
#define CUT 8u      /* a status came, the end of the reply did not */
#define TOO_LARGE 16u
#define USABLE 32u /* the body is what the API sends */
#define ROUTE 64u  /* the gateway's "Resource not found" */
#define QUOTA 128u /* Retry-After or the gateway's quota text */
#define HTML 256u
#define COMPLAINT 512u /* an object that reports an error */
#define ANOTHER 1024u  /* the object of another webhook */

struct verdict_rule {
	unsigned on;
	int from, to; /* HTTP status; 0..INT_MAX = any, also none */
	unsigned need;
	enum wh_executed executed;
	enum wh_gate_ask ask;
	unsigned then; /* THEN_* */
	const char *sentence;
};

#define THEN_SHORT 1u  /* the server did finish: short settle time */
#define THEN_LOOK 2u   /* look before rejecting */
#define THEN_ABSENT 4u /* believed only after a complete list */
#define THEN_WAIT 8u   /* a wait asked in the header counts, */
#define THEN_READ 16u  /* ... or else in the text */
#define ANY_STATUS 0, INT32_MAX

#define EXECUTED WH_X_EXECUTED
#define REJECTED WH_X_REJECTED
#define UNKNOWN WH_X_UNKNOWN
#define NOT_EXECUTED WH_X_NOT_EXECUTED

static const struct verdict_rule rules[] = {
	/* Without a complete reply: how far did it get? */
	{ON_ANY, ANY_STATUS, NOT_SENT | OURS, NOT_EXECUTED, WH_ASK_NONE, 0,
	 "Stopped on this side before anything was sent: not executed."},
	{ON_ANY, ANY_STATUS, NOT_SENT, NOT_EXECUTED, WH_ASK_LINK, 0,
	 "No connection came about and nothing was sent: not executed."},
	{ON_ANY, ANY_STATUS, NO_REPLY | OURS, UNKNOWN, WH_ASK_NONE, 0,
	 "Stopped on this side while the request was under way: unknown."},
	{ON_ANY, ANY_STATUS, NO_REPLY, UNKNOWN, WH_ASK_LINK, 0,
	 "The request may have left and no reply came: unknown."},
	{ON_ANY, ANY_STATUS, CUT | OURS, UNKNOWN, WH_ASK_NONE, 0,
	 "Stopped on this side while the reply came in: unknown."},
	{ON_ANY, ANY_STATUS, CUT | TOO_LARGE, UNKNOWN, WH_ASK_NONE, 0,
	 "The reply is larger than max_body and was not read to its end: unknown."},
	{ON_ANY, ANY_STATUS, CUT, UNKNOWN, WH_ASK_LINK, 0,
	 "The reply was cut off before its end: unknown."},

	/* A complete reply decides. */
	{ON_CHANGE, 200, 299, COMPLAINT, UNKNOWN, WH_ASK_LINK, THEN_SHORT,
	 "A 2xx reply whose body reports an error: unknown."},
	{ON_CHANGE, 200, 299, ANOTHER, UNKNOWN, WH_ASK_LINK, 0,
	 "A 2xx reply that holds another webhook, meant for another request: unknown."},
	{ON_CHANGE, 200, 299, USABLE, EXECUTED, WH_ASK_NONE, 0,
	 "A complete 2xx reply, empty, JSON or a bare id: executed."},
	{ON_READ, 200, 299, USABLE, EXECUTED, WH_ASK_NONE, 0,
	 "A complete 2xx reply, empty or JSON: read."},
	{ON_ANY, 200, 299, 0, UNKNOWN, WH_ASK_LINK, 0,
	 "A 2xx reply that is not the API's (HTML or other text): unknown."},
	{ON_ANY, 300, 399, 0, UNKNOWN, WH_ASK_LINK, 0,
	 "A redirect, which is never followed: unknown."},
	{ON_ANY, 401, 401, 0, NOT_EXECUTED, WH_ASK_AUTH, 0,
	 "401, the gateway refuses the key and forwards nothing: not executed."},
	{ON_ANY, 403, 403, QUOTA, NOT_EXECUTED, WH_ASK_QUOTA, THEN_WAIT | THEN_READ,
	 "403, the call quota is used up and nothing is forwarded: not executed."},
	{ON_READ, 403, 403, 0, NOT_EXECUTED, WH_ASK_AUTH, 0,
	 "403 on a read, this key or address may not use the API: not executed."},
	{ON_CHANGE, 403, 403, 0, NOT_EXECUTED, WH_ASK_FORBIDDEN, 0,
	 "403 on a change, it is forbidden to this key or address: not executed."},
	{ON_ANY, 404, 404, ROUTE, NOT_EXECUTED, WH_ASK_LINK, 0,
	 "404 of the gateway, it knows no such route and forwards nothing: not executed."},
	{ON_ANY, 408, 408, 0, UNKNOWN, WH_ASK_LINK, 0,
	 "408, the server gave up waiting: unknown."},
	{ON_ANY, 429, 429, 0, NOT_EXECUTED, WH_ASK_RATE, THEN_WAIT | THEN_READ,
	 "429, too many calls, nothing is forwarded: not executed."},
	{ON_READ, 400, 499, HTML, UNKNOWN, WH_ASK_LINK, 0,
	 "An HTML page in place of the API's reply: not read."},
	{ON_CHANGE, 404, 404, HTML, UNKNOWN, WH_ASK_LINK, THEN_SHORT,
	 "404 with an HTML page, of something in front of the API: unknown."},
	{ON_PATCH | ON_DELETE, 404, 404, 0, UNKNOWN, WH_ASK_NONE, THEN_ABSENT | THEN_SHORT,
	 "404, the webhook may be gone: believed once a complete list lacks it."},
	{ON_PATCH | ON_DELETE, 410, 410, 0, UNKNOWN, WH_ASK_NONE, THEN_ABSENT | THEN_SHORT,
	 "410, the webhook may be gone: believed once a complete list lacks it."},
	{ON_READ, 404, 404, 0, REJECTED, WH_ASK_NONE, THEN_ABSENT,
	 "404 on a read: not there, believed once a complete list lacks it."},
	{ON_READ, 410, 410, 0, REJECTED, WH_ASK_NONE, THEN_ABSENT,
	 "410 on a read: not there, believed once a complete list lacks it."},
	{ON_POST, 409, 409, 0, REJECTED, WH_ASK_NONE, THEN_LOOK,
	 "409 on a create: rejected, unless a list shows that it exists already."},
	{ON_ANY, 400, 499, 0, REJECTED, WH_ASK_NONE, 0, "A complete 4xx reply: rejected."},
	{ON_ANY, 504, 504, 0, UNKNOWN, WH_ASK_LINK, THEN_WAIT,
	 "504, the gateway gave up, the server behind it may still be at work: unknown."},
	{ON_ANY, 500, 599, 0, UNKNOWN, WH_ASK_LINK, THEN_SHORT | THEN_WAIT,
	 "A complete 5xx reply, the change may or may not have been made: unknown."},
	{ON_ANY, ANY_STATUS, 0, UNKNOWN, WH_ASK_LINK, 0,
	 "A status that HTTP does not know: unknown."},
};

/* What was sent. */
struct request {
	unsigned on;
	struct wh_str whid; /* of the webhook to change; empty: none */
};

/* Could this text be an id? A sentence, a page or a piece of JSON could not. */
static bool
is_bare_id(struct wh_str s)
{
	if (!wh_whid_valid(s) || strchr("{[\"", s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || s.p[i] == '<')
			return false;
	return true;
}

static enum wh_body_kind
json_kind(const struct wh_buf *packed, struct wh_str whid)
{
	struct wh_tree tree = {0};
	enum wh_body_kind kind = WH_BODY_JSON;
	struct wh_str text;
	int64_t number;

	if (wh_unpack(&tree, wh_buf_view(packed), NULL) != 0)
		kind = WH_BODY_OTHER;
	else if (wh_obj_i64(&tree.root, &number))
		kind = WH_BODY_ID;
	else if (wh_obj_str(&tree.root, &text) && is_bare_id(text))
		kind = WH_BODY_ID;
	else if (wh_has_complaint(&tree.root))
		kind = WH_BODY_COMPLAINT;
	else if (wh_outcome_is_another(&tree.root, whid))
		kind = WH_BODY_ANOTHER;
	wh_tree_fini(&tree);
	return kind;
}

enum wh_body_kind
wh_body_kind(struct wh_str body, struct wh_str whid)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(1u << 20);
	struct wh_str s = wh_reply_trim(body);
	struct wh_json_error err;

	if (s.n == 0)
		return WH_BODY_EMPTY;
	if (wh_json_to_pack(s, REPLY_DEPTH, &packed, &err) == 0)
		return json_kind(&packed, whid);
	return is_bare_id(s) ? WH_BODY_ID : WH_BODY_OTHER;
}

/* A list is checked by its reader; here only whether it can be one. */
static unsigned
read_signs(struct wh_str body)
{
	struct wh_str s = wh_reply_trim(body);
	bool usable = s.n == 0 || s.p[0] == '{' || s.p[0] == '[' || wh_str_is(s, "null");

	return usable ? USABLE : 0;
}

static unsigned
change_signs(struct wh_str body, struct wh_str whid)
{
	switch (wh_body_kind(body, whid)) {
	case WH_BODY_EMPTY:
	case WH_BODY_JSON:
	case WH_BODY_ID:
		return USABLE;
	case WH_BODY_COMPLAINT:
		return COMPLAINT;
	case WH_BODY_ANOTHER:
		return ANOTHER;
	case WH_BODY_OTHER:
		return 0;
	}
	return 0;
}

static bool
is_html(struct wh_str body)
{
	struct wh_str s = wh_reply_trim(body);

	return s.n > 0 && s.p[0] == '<';
}

/* The text of a gateway's reply: its JSON member `message`, or all of it. */
static bool
is_route_text(struct wh_str body)
{
	const struct wh_str text = WH_STR("Resource not found");
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(1u << 20);
	struct wh_tree tree = {0};
	struct wh_json_error err;
	struct wh_str s = wh_reply_trim(body);
	bool hit;

	if (s.n >= text.n && wh_str_ieq(wh_str(s.p, text.n), text))
		return s.n <= text.n + 1;
	if (wh_json_to_pack(s, REPLY_DEPTH, &packed, &err) != 0)
		return false;
	if (wh_unpack(&tree, wh_buf_view(&packed), NULL) != 0)
		return false;
	s = wh_obj_str_at(&tree.root, "message");
	hit = wh_obj_i64_at(&tree.root, "statusCode", 404) == 404 && s.n >= text.n &&
	      s.n <= text.n + 1 && wh_str_ieq(wh_str(s.p, text.n), text);
	wh_tree_fini(&tree);
	return hit;
}

static bool
asks_quota(const struct wh_facts *f)
{
	const struct wh_str word = WH_STR("quota");

	if (f->retry_after_ms >= 0)
		return true;
	if (is_html(f->body))
		return false;
	for (size_t i = 0; i + word.n <= f->body.n; i++)
		if (wh_str_ieq(wh_str(f->body.p + i, word.n), word))
			return true;
	return false;
}

static unsigned
reply_signs(const struct request *q, const struct wh_facts *f)
{
	unsigned signs = is_html(f->body) ? HTML : 0;

	if (f->status >= 200 && f->status <= 299)
		signs |=
			q->on == ON_READ ? read_signs(f->body) : change_signs(f->body, q->whid);
	if (f->status == 403 && asks_quota(f))
		signs |= QUOTA;
	if (f->status == 404 && is_route_text(f->body))
		signs |= ROUTE;
	return signs;
}

static unsigned
signs_of(const struct request *q, const struct wh_facts *f)
{
	unsigned signs = 0;

	if (f->net == WH_NET_LOCAL || f->net == WH_NET_CANCELLED)
		signs |= OURS;
	if (f->net == WH_NET_TOO_LARGE)
		signs |= TOO_LARGE;
	if (!f->may_have_left)
		return signs | NOT_SENT;
	if (f->status == 0)
		return signs | NO_REPLY;
	if (!f->whole)
		return signs | CUT;
	return reply_signs(q, f);
}

static int64_t
asked_wait(const struct wh_facts *f, unsigned then)
{
	if ((then & THEN_WAIT) && f->retry_after_ms >= 0)
		return f->retry_after_ms;
	if ((then & THEN_READ) && !is_html(f->body))
		return wh_retry_from_text(f->body);
	return -1;
}

static struct wh_outcome
judge(const struct request *q, const struct wh_facts *f)
{
	const unsigned signs = signs_of(q, f);
	const struct verdict_rule *r = rules;

	while (!((r->on & q->on) && f->status >= r->from && f->status <= r->to &&
		 (r->need & signs) == r->need))
		r++; /* the last row fits everything */
	return (struct wh_outcome){
		.executed = r->executed,
		.ask = r->ask,
		.wait_ms = asked_wait(f, r->then),
		.settle_short = r->then & THEN_SHORT,
		.observe_first = r->then & THEN_LOOK,
		.absent = r->then & THEN_ABSENT,
		.link_up = f->may_have_left && f->status != 0 && f->whole,
		.rule = r->sentence,
	};
}

static unsigned
on_kind(enum wh_op_kind kind)
{
	switch (kind) {
	case WH_OP_CREATE:
		return ON_POST;
	case WH_OP_UPDATE:
		return ON_PATCH;
	case WH_OP_DELETE:
		return ON_DELETE;
	}
	wh_require(kind <= WH_OP_DELETE);
	return 0;
}

struct wh_outcome
wh_outcome_judge(enum wh_op_kind kind, struct wh_str whid, const struct wh_facts *f)
{
	return judge(&(struct request){on_kind(kind), whid}, f);
}

struct wh_outcome
wh_outcome_judge_read(const struct wh_facts *f)
{
	struct wh_outcome o = judge(&(struct request){ON_READ, WH_STR_NULL}, f);

	o.is_read = true;
	return o;
}

struct wh_outcome
wh_outcome_judge_find(const struct wh_facts *f)
{
	struct wh_outcome o = wh_outcome_judge_read(f);

	/* Not if it is a page, or of the gateway: those know nothing of webhooks. */
	if (o.executed != WH_X_REJECTED ||
	    (f->status != 400 && f->status != 404 && f->status != 410))
		return o;
	o.executed = WH_X_EXECUTED;
	o.ask = WH_ASK_NONE;
	o.link_up = o.absent = true;
	o.rule = "The upstream says that it has no such webhook: a list must tell.";
	return o;
}
