/* SPDX-License-Identifier: MIT */
/*
 * Handlers of webhook.create, update and delete: the caller's words are
 * checked here, then handed to the funnel; the answer leaves when the change
 * is flushed. Loop thread.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "daemon/apply.h"
#include "daemon/core/merge.h"
#include "daemon/dispatch.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/url.h"
#include "daemon/writer.h"

#define REQUEST_ID_MAX 128u
#define AROUND_FIELDS ((size_t)512) /* what an answer holds beside the members; mostly less */

struct change_call {
	struct wh_enqueue e;
	struct wh_ticket ticket;
};

/* ---------------------------------------------------------------- answer -- */

static enum wh_error
error_of(int fault)
{
	if (wh_fault_is_no_room(fault))
		return WH_ERR_STORE_FULL;
	return fault == WH_ECORRUPT ? WH_ERR_CORRUPT : WH_ERR_INTERNAL;
}

/* What it came to is not so if it could not be stored. */
static void
note(struct whd *d, const struct wh_enqueue *e, int fault)
{
	enum wh_error code = fault ? error_of(fault) : e->refusal.code;

	d->counters.enqueued += !fault && e->queued;
	d->counters.coalesced += !fault && e->coalesced;
	d->counters.queue_refused += code == WH_ERR_QUEUE_FULL || code == WH_ERR_STORE_FULL;
	if (wh_fault_is_no_room(fault))
		d->refused_at = d->now.mono;
	else if (!fault && (e->queued || e->coalesced))
		d->refused_at.ms = 0;
}

static void
change_done(struct wh_job *job, struct whd *d, int fault)
{
	struct change_call *cc = (struct change_call *)job;
	struct wh_enqueue *e = &cc->e;

	note(d, e, fault);
	if (fault)
		wh_server_fail(
			d->server, cc->ticket, error_of(fault),
			"the change was not taken: %s; nothing of it is kept, call again "
			"when that is mended",
			wh_fault_str(fault));
	else if (e->refusal.code)
		wh_server_fail(d->server, cc->ticket, e->refusal.code, "%.*s",
			       WH_STR_FMT(wh_buf_view(&e->refusal.text)));
	else
		wh_server_reply(d->server, cc->ticket, wh_buf_view(&e->op));
	wh_enqueue_fini(e);
	free(cc);
}

struct common {
	bool has_request_id, dry_run, has_queue, queue;
	struct wh_str request_id;
};

static bool
may_not_wait(const struct wh_call *c, const struct common *m)
{
	return m->has_queue && !m->queue && !wh_pump_online(c->d->pump);
}

static int
refuse_offline(struct wh_refusal *r)
{
	r->code = WH_ERR_OFFLINE;
	wh_buf_c(&r->text,
		 "the upstream is not in reach and queue is false: try later, or let it be "
		 "queued");
	return 0;
}

/* Nothing is to be stored. What was asked before is answered as it was then, all the same. */
static void
answer_unstored(struct wh_call *c, const struct common *m, struct wh_enqueue *e)
{
	int r = wh_request_answer(e, &c->d->view);

	if (r == WH_ABSENT)
		r = may_not_wait(c, m) ? refuse_offline(&e->refusal)
				       : wh_enqueue_dry_run(e, &c->d->view);
	if (r)
		wh_call_fail(c, error_of(r), "the change could not be checked: %s",
			     wh_fault_str(r));
	else if (e->refusal.code)
		wh_call_fail(c, e->refusal.code, "%.*s",
			     WH_STR_FMT(wh_buf_view(&e->refusal.text)));
	else
		wh_buf_str(wh_call_result(c), wh_buf_view(&e->op));
}

static void
drop(struct change_call *cc)
{
	wh_enqueue_fini(&cc->e);
	free(cc);
}

/* ----------------------------------------------------------------- checks -- */

static bool
check_request_id(struct wh_call *c, const struct common *m)
{
	if (!m->has_request_id || (m->request_id.n >= 1 && m->request_id.n <= REQUEST_ID_MAX))
		return true;
	wh_call_fail(c, WH_ERR_INVALID_PARAM, "request_id must be 1 to %u bytes long",
		     REQUEST_ID_MAX);
	return false;
}

static bool
check_members(struct wh_call *c, const msgpack_object *map)
{
	struct wh_buf why = wh_buf_capped(1024);
	struct wh_record rec;
	struct wh_url url;
	int r = wh_record_check_names(map, &why);

	if (r == 0)
		r = wh_record_validate(map, &why);
	if (r == 0) {
		wh_record_view(map, &rec);
		if (wh_record_has(&rec, WH_F_CALLBACK)) {
			wh_buf_reset(&why);
			wh_buf_c(&why, wh_fields[WH_F_CALLBACK].name);
			wh_buf_c(&why, " ");
			r = wh_url_check(rec.text[WH_F_CALLBACK], &url, &why);
		}
	}
	if (r)
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	wh_buf_fini(&why);
	return r == 0;
}

/* What must be the same when a request_id is used again: all parameters but request_id itself.
 */
static void
hash_part(XXH3_state_t *s, const char *name, struct wh_str value)
{
	XXH3_128bits_update(s, name, strlen(name) + 1);
	XXH3_128bits_update(s, &value.n, sizeof(value.n));
	XXH3_128bits_update(s, value.p ? value.p : "", value.n);
}

static void
hash_params(struct wh_enqueue *e)
{
	XXH3_state_t *s = XXH3_createState();
	uint8_t flags[4] = {e->force, e->allow_duplicate, e->has_policy, (uint8_t)e->policy};

	wh_require(s != NULL);
	XXH3_128bits_reset(s);
	hash_part(s, "whid", wh_buf_view(&e->whid));
	hash_part(s, "fields", wh_buf_view(&e->fields));
	hash_part(s, "add", wh_buf_view(&e->add));
	hash_part(s, "remove", wh_buf_view(&e->remove));
	hash_part(s, "flags", wh_str((const char *)flags, sizeof(flags)));
	hash_part(s, "revision",
		  e->has_revision
			  ? wh_str((const char *)&e->if_revision, sizeof(e->if_revision))
			  : WH_STR_NULL);

	XXH128_hash_t h = XXH3_128bits_digest(s);

	e->params_hash[0] = h.low64;
	e->params_hash[1] = h.high64;
	XXH3_freeState(s);
}

/* ----------------------------------------------------------------- submit -- */

static struct change_call *
new_change(struct wh_call *c, enum wh_op_kind kind)
{
	struct change_call *cc = wh_xcalloc(1, sizeof(*cc));
	const uint64_t id[2] = {wh_clock_draw(&c->d->randoms), wh_clock_draw(&c->d->randoms)};

	cc->e.job = (struct wh_job){
		.run = wh_enqueue_run, .done = change_done, .class = WH_JOB_ENQUEUE};
	cc->e.kind = kind;
	cc->e.method = c->cmd->id;
	cc->e.uid = c->peer->uid;
	cc->e.pid = (uint32_t)c->peer->pid;
	wh_op_id_next(&c->d->op_ids, cc->e.id, c->d->now.wall, (const uint8_t *)id);
	wh_rules_now(c->d, &cc->e.rules);
	cc->ticket = c->ticket;
	return cc;
}

static void
submit(struct wh_call *c, struct change_call *cc, const struct common *m)
{
	struct wh_enqueue *e = &cc->e;

	if (m->has_request_id) {
		wh_buf_str(&e->request_id, m->request_id);
		hash_params(e);
	}
	if (e->fields.fault || e->add.fault || e->remove.fault || e->whid.fault ||
	    e->request_id.fault) {
		wh_call_fail(c, WH_ERR_INTERNAL, "out of memory: try again");
		drop(cc);
		return;
	}
	if (m->dry_run || may_not_wait(c, m)) {
		answer_unstored(c, m, e);
		drop(cc);
		return;
	}
	/* Of this thread's heap, which is the one that frees it. */
	wh_buf_room(&e->op, e->fields.n + AROUND_FIELDS);
	wh_call_park(c);
	wh_writer_submit(c->d->writer, &e->job);
}

/* ---------------------------------------------------------------- create -- */

/* The six members as one map, from the typed arguments. */
static void
pack_create(struct wh_buf *b, const struct wh_args_webhook_create *a)
{
	struct wh_record r = {
		.seen = WH_RECORD_ALL,
		.text =
			{
				[WH_F_WHNAME] = a->whname,
				[WH_F_WHCOMMENT] = a->whcomment,
				[WH_F_APPLICATION] = a->applicationId,
				[WH_F_MUNICIPALITY] = a->municipalityId,
				[WH_F_CALLBACK] = a->callbackUrl,
			},
	};

	r.set[WH_F_PROCESSES] = a->processes;
	wh_record_pack(b, &r);
}

static bool
check_packed(struct wh_call *c, const struct wh_buf *fields)
{
	struct wh_tree t;
	bool ok;

	if (wh_unpack(&t, wh_buf_view(fields), NULL)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "the webhook's members cannot be read");
		return false;
	}
	ok = check_members(c, &t.root);
	wh_tree_fini(&t);
	return ok;
}

/* Made here, so that the commit thread has less to do. */
static bool
take_wish(struct wh_call *c, struct wh_enqueue *e)
{
	if (wh_wish_of(wh_buf_view(&e->fields), &e->wish) == 0)
		return true;
	wh_call_fail(c, WH_ERR_INTERNAL, "out of memory: try again");
	return false;
}

void
on_webhook_create(struct wh_call *c, const struct wh_args_webhook_create *a)
{
	struct common m = {
		.has_request_id = wh_has(a, webhook_create, request_id),
		.request_id = a->request_id,
		.dry_run = a->dry_run,
		.has_queue = wh_has(a, webhook_create, queue),
		.queue = a->queue,
	};
	struct change_call *cc;

	if (!check_request_id(c, &m))
		return;
	cc = new_change(c, WH_OP_CREATE);
	cc->e.allow_duplicate = a->allow_duplicate;
	pack_create(&cc->e.fields, a);
	if (check_packed(c, &cc->e.fields) && take_wish(c, &cc->e))
		submit(c, cc, &m);
	else
		drop(cc);
}

/* ---------------------------------------------------------------- update -- */

static bool
check_process_list(struct wh_call *c, const msgpack_object *list, const char *name)
{
	struct wh_buf map = WH_BUF_NULL;
	bool ok;

	wh_pack_map(&map, 1);
	wh_pack_c(&map, wh_fields[WH_F_PROCESSES].name);
	wh_pack_object(&map, list);
	ok = check_packed(c, &map);
	(void)name;
	wh_buf_fini(&map);
	return ok;
}

/* In one form, whatever the order and the kind of text in which they came. */
static void
pack_members(struct wh_buf *b, const msgpack_object *map)
{
	struct wh_record r;

	wh_record_view(map, &r);
	wh_record_pack(b, &r);
}

static bool
read_update(struct wh_call *c, const struct wh_args_webhook_update *a, struct wh_enqueue *e)
{
	if (wh_has(a, webhook_update, set)) {
		if (!check_members(c, a->set))
			return false;
		pack_members(&e->fields, a->set);
	}
	if (wh_has(a, webhook_update, add_processes)) {
		if (!check_process_list(c, a->add_processes, "add_processes"))
			return false;
		wh_set_apply(&e->add, a->add_processes, NULL, NULL);
	}
	if (wh_has(a, webhook_update, remove_processes)) {
		if (!check_process_list(c, a->remove_processes, "remove_processes"))
			return false;
		wh_set_apply(&e->remove, a->remove_processes, NULL, NULL);
	}
	if (e->fields.n == 0 && e->add.n == 0 && e->remove.n == 0) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "nothing to change: give set, add_processes or remove_processes");
		return false;
	}
	return true;
}

static bool
read_conditions(struct wh_call *c, const struct wh_args_webhook_update *a, struct wh_enqueue *e)
{
	if (wh_has(a, webhook_update, policy)) {
		e->has_policy = wh_policy_parse(a->policy, &e->policy);
		if (!e->has_policy) {
			wh_call_fail(
				c, WH_ERR_INVALID_PARAM,
				"policy is none of merge, local-wins, remote-wins, manual");
			return false;
		}
	}
	if (wh_has(a, webhook_update, if_revision)) {
		if (a->if_revision < 0) {
			wh_call_fail(c, WH_ERR_INVALID_PARAM,
				     "if_revision is negative: give the revision in _whd");
			return false;
		}
		e->has_revision = true;
		e->if_revision = (uint64_t)a->if_revision;
	}
	return true;
}

void
on_webhook_update(struct wh_call *c, const struct wh_args_webhook_update *a)
{
	struct common m = {
		.has_request_id = wh_has(a, webhook_update, request_id),
		.request_id = a->request_id,
		.dry_run = a->dry_run,
		.has_queue = wh_has(a, webhook_update, queue),
		.queue = a->queue,
	};
	struct change_call *cc;

	if (!wh_call_check_whid(c, a->whid) || !check_request_id(c, &m))
		return;
	cc = new_change(c, WH_OP_UPDATE);
	wh_buf_str(&cc->e.whid, a->whid);
	if (read_update(c, a, &cc->e) && read_conditions(c, a, &cc->e))
		submit(c, cc, &m);
	else
		drop(cc);
}

/* ---------------------------------------------------------------- delete -- */

void
on_webhook_delete(struct wh_call *c, const struct wh_args_webhook_delete *a)
{
	struct common m = {
		.has_request_id = wh_has(a, webhook_delete, request_id),
		.request_id = a->request_id,
		.dry_run = a->dry_run,
		.has_queue = wh_has(a, webhook_delete, queue),
		.queue = a->queue,
	};
	struct change_call *cc;

	if (!wh_call_check_whid(c, a->whid) || !check_request_id(c, &m))
		return;
	cc = new_change(c, WH_OP_DELETE);
	cc->e.force = a->force;
	wh_buf_str(&cc->e.whid, a->whid);
	submit(c, cc, &m);
}
