/* SPDX-License-Identifier: MIT */
/*
 * Requests: when one may be sent, that it says what was asked for, and that
 * what it overwrites was known to whoever asked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

static struct sim_op *
op_of(struct sim *s, const struct sim_transfer *t)
{
	return sim_oracle_op(s, t->op);
}

/* ------------------------------------------------------------------ content -- */

/* A create may be marked at the end of its comment. */
static void
strip_mark(struct sim *s, struct sim_doc *d)
{
	char *at = NULL, *next = d->text[WH_F_WHCOMMENT];

	while ((next = strstr(next, " [whd:")) != NULL)
		at = next++; /* the last one: the comment may hold that of another */
	if (at && strcmp(s->host.config.queue_create_marker, "comment") == 0)
		memset(at, 0, SIM_TEXT - (size_t)(at - d->text[WH_F_WHCOMMENT]));
}

static void
check_create_body(struct sim *s, const struct sim_op *op, struct sim_doc *body)
{
	struct sim_wish w;
	uint32_t diff;
	char name[64];

	strip_mark(s, body);
	sim_oracle_wish(s, op, &w);
	diff = sim_doc_diff(body, &w.want);
	if (op->recreated)
		diff &= w.has & ~(1u << SIM_SET);
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (diff >> f & 1u)
			sim_fail(s, "%s goes out with %s '%s', asked for was '%s'",
				 sim_op_name(s, op, name), wh_fields[f].name,
				 f == SIM_SET ? "..." : body->text[f],
				 f == SIM_SET ? "..." : w.want.text[f]);
}

static void
check_update_body(struct sim *s, const struct sim_op *op, const struct sim_doc *body)
{
	struct sim_wish w;
	char name[64];

	sim_oracle_wish(s, op, &w);
	sim_oracle_forget_set_back(s, op, &w);
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (f != SIM_SET && (w.has >> f & 1u) && op->policy != WH_POLICY_REMOTE_WINS &&
		    !sim_text_same(body->text[f], w.want.text[f]))
			sim_fail(s, "%s goes out with %s '%s', asked for was '%s'",
				 sim_op_name(s, op, name), wh_fields[f].name, body->text[f],
				 w.want.text[f]);
	for (unsigned i = 0; i < w.adds.n_items; i++)
		if (!sim_doc_has_item(body, w.adds.item[i]))
			sim_fail(s, "%s goes out without the process %s it adds",
				 sim_op_name(s, op, name), w.adds.item[i]);
	for (unsigned i = 0; i < w.drops.n_items; i++)
		if (sim_doc_has_item(body, w.drops.item[i]))
			sim_fail(s, "%s goes out with the process %s it removes",
				 sim_op_name(s, op, name), w.drops.item[i]);
}

/* The webhook it was asked for: by its id, or by the local id of the create that became it. */
static bool
is_its_target(struct sim *s, const struct sim_op *op, const char *whid)
{
	if (sim_text_same(op->target, whid))
		return true;
	for (size_t i = 0; i < s->oracle.n; i++)
		if (s->oracle.ops[i].obj == op->obj && s->oracle.ops[i].tmp[0] &&
		    sim_text_same(s->oracle.ops[i].whid, whid))
			return true;
	return false;
}

static void
check_content(struct sim *s, const struct sim_transfer *t, const struct sim_op *op)
{
	bool create = op->recreated || op->kind == WH_OP_CREATE;
	const char *method = create ? "POST" : op->kind == WH_OP_UPDATE ? "PATCH" : "DELETE";
	struct sim_doc body = {0};
	char name[64];

	if (strcmp(t->method, method) != 0) {
		sim_fail(s, "%s goes out as %s", sim_op_name(s, op, name), t->method);
		return;
	}
	if (!create && !is_its_target(s, op, t->whid))
		sim_fail(s, "%s goes out to %s, which is not what it is about",
			 sim_op_name(s, op, name), t->whid);
	if (op->kind == WH_OP_DELETE)
		return;
	if (!sim_doc_from_json(&body, wh_buf_view(&t->body),
			       sim_world_under(&s->world, t->method, t->whid)))
		sim_fail(s, "%s goes out with a body that is no webhook",
			 sim_op_name(s, op, name));
	else if (create)
		check_create_body(s, op, &body);
	else
		check_update_body(s, op, &body);
}

/* ------------------------------------------------------------------- sending -- */

static bool
undecided(const struct sim_op *op)
{
	return op->state == WH_OP_SENDING || op->state == WH_OP_UNKNOWN;
}

static void
check_alone(struct sim *s, const struct sim_op *op)
{
	char name[64], other[64];

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o == op || !o->committed || !undecided(o))
			continue;
		if (o->obj == op->obj && o->seq < op->seq)
			sim_fail(s, "%s goes out while %s is %s", sim_op_name(s, op, name),
				 sim_op_name(s, o, other), wh_op_state_str(o->state));
	}
}

static bool
create_of(const struct sim_op *op)
{
	return op->recreated || op->kind == WH_OP_CREATE;
}

/* Lists and probes come on top. */
static void
check_width(struct sim *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->net.n; i++) {
		const struct sim_transfer *t = s->net.all[i];

		n += t->epoch == s->host.epoch && t->told == SIM_NEVER &&
		     t->died == SIM_NEVER &&
		     (t->kind == WH_HTTP_SEND || t->kind == WH_HTTP_FIND);
	}
	if ((int64_t)n > s->host.config.queue_concurrency)
		sim_fail(s, "%u requests at once, [queue] concurrency is %lld", n,
			 (long long)s->host.config.queue_concurrency);
}

void
sim_oracle_sends(struct sim *s, struct sim_transfer *t)
{
	int64_t age = s->host.config.queue_check_age;
	struct sim_op *op;
	char name[64];

	check_width(s);
	if (strncmp(t->whid, "tmp-", 4) == 0)
		sim_fail(s, "#%" PRIu64 " %s tells the upstream a local id", t->id, t->method);
	if (t->kind != WH_HTTP_SEND)
		return;
	op = sim_oracle_by_seq(s, t->tag);
	if (!op) {
		sim_fail(s, "#%" PRIu64 " %s goes out for an operation nobody asked for", t->id,
			 t->method);
		return;
	}
	t->op = (size_t)(op - s->oracle.ops);
	t->marked = op->proposed;
	t->seen_from = op->proposed - age < op->read_from ? op->proposed - age : op->read_from;
	if (op->in_doubt && t->seen_from < s->host.started)
		t->seen_from = s->host.started;
	if (op->in_doubt && create_of(op) && op->sent_anew <= op->doubted)
		sim_fail(s, "%s was put back with the store and is sent, but nobody decided it",
			 sim_op_name(s, op, name));
	if (op->state != WH_OP_SENDING)
		sim_fail(s, "%s goes out, but what is on disk says %s",
			 sim_op_name(s, op, name), wh_op_state_str(op->state));
	check_content(s, t, op);
	check_alone(s, op);
	if (strcmp(t->method, "POST") == 0)
		sim_oracle_posts(s, t);
}

static void
cover_reply(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];
	bool refused = t->status == 401 && !(s->net.keys_valid >> t->key & 1u);

	if (refused)
		sim_cover_row(s->coverage,
			      sim_host_has_good_key(s) ? SIM_ROW_NEXT_KEY : SIM_ROW_ALL_KEYS);
	if (t->status == 403 && t->kind != WH_HTTP_SEND && f->body == SIM_BODY_ERROR)
		sim_cover_row(s->coverage, SIM_ROW_READ_403);
	if (f->group == SIM_QUOTA)
		sim_cover_row(s->coverage, SIM_ROW_QUOTA);
	if (t->status == 429)
		sim_cover_row(s->coverage, SIM_ROW_RATE);
	if (!f->left)
		sim_cover_row(s->coverage, SIM_ROW_LINK);
	if (f->net == WH_NET_RESEND)
		sim_cover_row(s->coverage, SIM_ROW_RESEND);
}

/* A list that shows that it is not whole must not be taken for whole, any other must. */
static void
check_whole(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];
	bool good = t->status >= 200 && t->status < 300 && f->net == WH_NET_OK && f->whole;
	bool whole = good && !t->flawed && f->exec == SIM_EXEC_ONCE;

	if (t->complete && !whole)
		sim_fail(s, "list #%" PRIu64 " (%s) was taken for whole", t->id, f->name);
	else if (!t->complete && whole)
		sim_fail(s, "list #%" PRIu64 " (%s) is whole, but was not taken for it", t->id,
			 f->name);
}

void
sim_oracle_told(struct sim *s, struct sim_transfer *t)
{
	cover_reply(s, t);
	if (t->kind != WH_HTTP_LIST)
		return;
	check_whole(s, t);
	if (t->complete)
		sim_oracle_listed(s, t);
}

/* --------------------------------------------------------------- overwriting -- */

/* The version that gave the member, or the item, its present value. */
static const struct sim_version *
writer_of(const struct sim_row *r, unsigned f, const char *item)
{
	size_t at = r->n - 1;

	while (at > 0) {
		const struct sim_doc *now = &r->versions[at].doc;
		const struct sim_doc *before = &r->versions[at - 1].doc;
		bool same = item ? sim_doc_has_item(now, item) == sim_doc_has_item(before, item)
				 : sim_text_same(now->text[f], before->text[f]);

		if (!same)
			break;
		at--;
	}
	return &r->versions[at];
}

/* Did a caller or a person who decided see this value, so that overwriting it was meant? */
static bool
was_seen(struct sim *s, const struct sim_op *op, unsigned f, const char *value)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->committed && o->has_seen && sim_oracle_carries(s, op, o) &&
		    sim_text_same(o->seen.text[f], value))
			return true;
		if (o->committed && o->has_seen && o->result[0] == '\0' &&
		    o->state == WH_OP_SUPERSEDED && o->into == (size_t)(op - s->oracle.ops) &&
		    sim_text_same(o->seen.text[f], value))
			return true;
	}
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		for (unsigned d = 0;
		     d < o->n_decided && sim_oracle_same_webhook(&s->oracle, o, op); d++)
			if (sim_text_same(o->decided[d].text[f], value))
				return true;
	}
	return sim_oracle_was_seen_before(s, op, f, value);
}

static void
overwrites(struct sim *s, const struct sim_transfer *t, const struct sim_version *by,
	   const char *what, const char *was)
{
	char name[64];

	sim_fail(s,
		 "%s, sent as #%" PRIu64 ", overwrites %s '%s' of %s, which %s wrote %" PRId64
		 " ms before whd had to know it",
		 sim_op_name(s, op_of(s, t), name), t->id, what, was, t->whid,
		 by->by == SIM_BY_WHD ? "another operation" : "somebody else",
		 t->seen_from - by->at);
}

/* Its own side wrote it: an earlier operation of the same webhook, of which whd knows. What was
 * sent to the row itself is of its lane, even if callers named it by the local id of a create
 * that was still undecided, and so counts as another object. */
static bool
is_own(struct sim *s, const struct sim_version *by, const struct sim_op *op)
{
	const struct sim_transfer *t = by->transfer ? sim_net_get(&s->net, by->transfer) : NULL;
	const struct sim_op *writer = t ? sim_oracle_op(s, t->op) : NULL;

	if (by->by == SIM_BY_WHD)
		return writer != NULL || !s->oracle.put_back;
	return by->by == SIM_BY_LATE && writer && writer->state == WH_OP_DONE &&
	       (sim_oracle_same_webhook(&s->oracle, writer, op) ||
		strcmp(t->method, "POST") != 0);
}

/* An earlier operation of the same webhook wanted this value, too, and was carried out: whoever
 * wrote it first, it is what the lane made of it. */
static bool
was_wanted_before(struct sim *s, const struct sim_op *op, unsigned f, const char *value)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->committed && o->seq < op->seq &&
		    sim_oracle_same_webhook(&s->oracle, o, op) && o->state == WH_OP_DONE &&
		    (o->has >> f & 1u) && sim_text_same(o->want.text[f], value))
			return true;
	}
	return false;
}

/* What others wrote may be what the upstream makes of what whd wrote since. */
static bool
whd_wrote_since(const struct sim_row *r, const struct sim_version *by)
{
	while (by < r->versions + r->n && by->by != SIM_BY_WHD)
		by++;
	return by < r->versions + r->n;
}

static void
check_text(struct sim *s, const struct sim_transfer *t, unsigned f, const struct sim_doc *doc,
	   const struct sim_wish *w)
{
	const struct sim_row *r = &s->world.rows[t->row];
	const char *was = sim_row_now(r)->doc.text[f];
	const struct sim_version *by = writer_of(r, f, NULL);
	const struct sim_op *op = op_of(s, t);

	if (sim_text_same(doc->text[f], was) || by->at >= t->seen_from)
		return;
	if ((w->has | w->may) >> f & 1u) {
		if (op->policy == WH_POLICY_LOCAL_WINS || was_seen(s, op, f, was))
			return;
		if (is_own(s, by, op) || was_wanted_before(s, op, f, was))
			return; /* of its lane: that is the order asked for */
	} else if (s->world.ways.keep == SIM_keep_REWRITE &&
		   (whd_wrote_since(r, by) || is_own(s, by, op))) {
		/* whd may not have heard of the rewriting yet, nor of the one that a late
		 * request got, if another one wrote the same since */
		return;
	}
	overwrites(s, t, by, wh_fields[f].name, was);
}

static bool
wanted_change(struct sim *s, const struct sim_op *op, const struct sim_doc *list,
	      const char *item)
{
	if (sim_doc_has_item(list, item) || op->n_decided || op->behind)
		return true;
	/* What others did between the callers of one operation counts as theirs. */
	for (size_t i = 0; i < s->oracle.n; i++)
		if (s->oracle.ops[i].into == (size_t)(op - s->oracle.ops))
			return true;
	return false;
}

static void
check_items(struct sim *s, const struct sim_transfer *t, const struct sim_doc *doc,
	    const struct sim_wish *w)
{
	const struct sim_row *r = &s->world.rows[t->row];
	const struct sim_doc *was = &sim_row_now(r)->doc;
	const struct sim_op *op = op_of(s, t);

	for (unsigned i = 0; i < was->n_items; i++) {
		const struct sim_version *by = writer_of(r, SIM_SET, was->item[i]);

		if (!sim_doc_has_item(doc, was->item[i]) && by->at < t->seen_from &&
		    !wanted_change(s, op, &w->drops, was->item[i]))
			overwrites(s, t, by, "the process", was->item[i]);
	}
	for (unsigned i = 0; i < doc->n_items; i++) {
		const struct sim_version *by = writer_of(r, SIM_SET, doc->item[i]);

		if (!sim_doc_has_item(was, doc->item[i]) && by->at < t->seen_from &&
		    !wanted_change(s, op, &w->adds, doc->item[i]))
			overwrites(s, t, by, "the removal of process", doc->item[i]);
	}
}

/* Which row of the table of conflicts has led to this request? */
static void
cover_merge(struct sim *s, const struct sim_op *op, const struct sim_wish *w,
	    const struct sim_doc *was)
{
	uint32_t theirs = sim_doc_diff(was, &op->seen), set = 1u << SIM_SET;
	uint32_t mine = w->has;

	if (!op->has_seen || op->n_decided)
		return;
	if (theirs == 0)
		sim_cover_row(s->coverage, SIM_ROW_MERGE_MINE);
	else if (theirs & mine & ~set)
		sim_cover_row(s->coverage, SIM_ROW_MERGE_LOCAL);
	else if (theirs & mine)
		sim_cover_row(s->coverage, SIM_ROW_MERGE_SET);
	else
		sim_cover_row(s->coverage, SIM_ROW_MERGE_BESIDE);
}

static void
check_patch(struct sim *s, const struct sim_transfer *t, const struct sim_doc *doc)
{
	struct sim_wish w;

	sim_oracle_wish(s, op_of(s, t), &w);
	cover_merge(s, op_of(s, t), &w, &sim_row_now(&s->world.rows[t->row])->doc);
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (f != SIM_SET)
			check_text(s, t, f, doc, &w);
	check_items(s, t, doc, &w);
}

static void
check_delete(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_row *r = &s->world.rows[t->row];
	const struct sim_doc *was = &sim_row_now(r)->doc;
	const struct sim_op *op = op_of(s, t);

	if (op->has_seen && sim_doc_diff(&op->seen, was))
		sim_cover_row(s->coverage, SIM_ROW_DELETE_FORCED);
	if (op->forced || op->policy == WH_POLICY_LOCAL_WINS)
		return;
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const struct sim_version *by;

		if (f == SIM_SET)
			continue;
		by = writer_of(r, f, NULL);
		if (!is_own(s, by, op) && by->at < t->seen_from &&
		    !was_seen(s, op, f, was->text[f]) &&
		    !was_wanted_before(s, op, f, was->text[f]))
			overwrites(s, t, by, wh_fields[f].name, was->text[f]);
	}
}

/* What was asked for first must not take effect after what was asked for later. */
static void
check_order(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_op *op = op_of(s, t);
	uint64_t *newest = &s->oracle.sent_seq[op->obj];
	char name[64];

	if (op->seq < *newest)
		sim_fail(
			s,
			"%s takes effect at %s after one that was asked for later (seq %" PRIu64
			")",
			sim_op_name(s, op, name), t->whid, *newest);
	*newest = op->seq;
}

/*
 * Whoever is that late was not answered: of that whd knows, and sends no newer change of the
 * webhook until its settle time has passed. Only what comes after that nobody could have
 * stopped, or what was found done: others did it as well, or a list that looked whole denied
 * the webhook.
 */
static void
check_late(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_op *op = op_of(s, t);
	char name[64];

	if (sim_oracle_too_late(s, t) ||
	    (op->state == WH_OP_DONE && sim_oracle_found_done(s, op, t)))
		return;
	if (op->seq < s->oracle.sent_seq[op->obj])
		sim_fail(
			s,
			"%s takes effect at %s within its settle time, and undoes seq %" PRIu64,
			sim_op_name(s, op, name), t->whid, s->oracle.sent_seq[op->obj]);
}

void
sim_oracle_executes(struct sim *s, struct sim_transfer *t, const struct sim_doc *doc)
{
	if (t->op == SIZE_MAX)
		return;
	if (strcmp(t->method, "POST") == 0) {
		sim_oracle_creates(s, t);
		return;
	}
	if (t->late) {
		check_late(s, t);
		return;
	}
	check_order(s, t);
	if (strcmp(t->method, "PATCH") == 0)
		check_patch(s, t, doc);
	else
		check_delete(s, t);
}
