/* SPDX-License-Identifier: MIT */
/*
 * The typed calls: parameters out of C structures, lists page by page.
 *
 * Called by programs on the handle's thread. All of it is whc_call() with
 * parameters packed; what whd checks is not checked here a second time.
 */
#include "proto/client/client.h"

#define WAIT_MAX 300000 /* longest wait whd grants one call, ms */
#define WAIT_MARGIN 5000
#define FOLLOW_MAX 16 /* merges into merges */

/* Parameters being packed: a map whose members are counted along. */
struct params {
	struct wh_buf b;
	size_t place, n;
};

static struct params
params_begin(void)
{
	struct params p = {.b = wh_buf_capped(WHC_MESSAGE_MAX)};

	p.place = wh_pack_open_map(&p.b);
	return p;
}

static void
add_text(struct params *p, const char *key, const char *text)
{
	if (!text)
		return;
	wh_pack_kv_c(&p->b, key, text);
	p->n++;
}

static void
add_int(struct params *p, const char *key, int64_t v)
{
	wh_pack_kv_int(&p->b, key, v);
	p->n++;
}

static void
add_bool(struct params *p, const char *key, bool v)
{
	wh_pack_kv_bool(&p->b, key, v);
	p->n++;
}

static void
add_list(struct params *p, const char *key, const char *const *texts)
{
	size_t n = 0;

	if (!texts)
		return;
	wh_pack_c(&p->b, key);
	size_t place = wh_pack_open_array(&p->b);

	for (; texts[n]; n++)
		wh_pack_c(&p->b, texts[n]);
	wh_pack_close_array(&p->b, place, n);
	p->n++;
}

static void
add_fields(struct params *p, const struct whc_fields *f)
{
	add_text(p, "whname", f->whname);
	add_text(p, "whcomment", f->whcomment);
	add_text(p, "applicationId", f->applicationId);
	add_text(p, "municipalityId", f->municipalityId);
	add_text(p, "callbackUrl", f->callbackUrl);
	add_list(p, "processes", f->processes);
}

static int
params_call(struct whc *c, const char *method, struct params *p, struct whc_object **ret)
{
	wh_pack_close_map(&p->b, p->place, p->n);
	struct whc_bytes params = {p->b.p, p->b.n};
	int fault = p->b.fault ? whc_fail(c, WHC_EINVALID, "the parameters are too large")
			       : whc_call(c, method, params, -1, ret);

	wh_buf_fini(&p->b);
	return fault;
}

static int
params_mutate(struct whc *c, const char *method, struct params *p, struct whc_object **ret)
{
	char id[WHC_REQUEST_ID_SIZE];

	if (whc_request_id(id)) {
		wh_buf_fini(&p->b);
		return whc_fail(c, WHC_EINVALID, "the system gives no random numbers");
	}
	add_text(p, "request_id", id);
	return params_call(c, method, p, ret);
}

static int
check_size(struct whc *c, size_t got, size_t min)
{
	if (got < min)
		return whc_fail(c, WHC_EINVALID,
				"a structure lacks its size: begin with its *_init()");
	return 0;
}

int
whc_get(struct whc *c, const char *whid, struct whc_object **ret)
{
	struct params p = params_begin();

	add_text(&p, "whid", whid);
	return params_call(c, "webhook.get", &p, ret);
}

int
whc_status(struct whc *c, struct whc_object **ret)
{
	return whc_call(c, "status", (struct whc_bytes){NULL, 0}, -1, ret);
}

int
whc_create(struct whc *c, const struct whc_fields *fields, struct whc_object **ret)
{
	int fault = check_size(c, fields->size, sizeof(*fields));

	if (fault)
		return fault;
	struct params p = params_begin();

	add_fields(&p, fields);
	return params_mutate(c, "webhook.create", &p, ret);
}

static void
add_set(struct params *p, const struct whc_fields *set)
{
	struct params inner = params_begin();

	add_fields(&inner, set);
	wh_pack_close_map(&inner.b, inner.place, inner.n);
	if (inner.n) {
		wh_pack_kv_raw(&p->b, "set", wh_buf_view(&inner.b));
		p->n++;
	}
	if (inner.b.fault)
		p->b.fault = inner.b.fault;
	wh_buf_fini(&inner.b);
}

int
whc_update(struct whc *c, const char *whid, const struct whc_change *change,
	   struct whc_object **ret)
{
	int fault = check_size(c, change->size, sizeof(*change));

	if (!fault)
		fault = check_size(c, change->set.size, sizeof(change->set));
	if (fault)
		return fault;
	struct params p = params_begin();

	add_text(&p, "whid", whid);
	add_set(&p, &change->set);
	add_list(&p, "add_processes", change->add_processes);
	add_list(&p, "remove_processes", change->remove_processes);
	add_text(&p, "policy", change->policy);
	if (change->if_revision >= 0)
		add_int(&p, "if_revision", change->if_revision);
	return params_mutate(c, "webhook.update", &p, ret);
}

int
whc_delete(struct whc *c, const char *whid, unsigned flags, struct whc_object **ret)
{
	struct params p = params_begin();

	add_text(&p, "whid", whid);
	if (flags & WHC_FORCE)
		add_bool(&p, "force", true);
	return params_mutate(c, "webhook.delete", &p, ret);
}

/* One round of queue.wait, with time for the answer to come. */
static int
wait_once(struct whc *c, const char *op, int64_t ms, struct whc_object **ret)
{
	struct params p = params_begin();

	add_text(&p, "op", op);
	add_int(&p, "timeout_ms", ms);
	wh_pack_close_map(&p.b, p.place, p.n);
	struct whc_bytes params = {p.b.p, p.b.n};
	int fault = p.b.fault ? whc_fail(c, WHC_ENOMEM, "no memory for a call")
			      : whc_call(c, "queue.wait", params, ms + WAIT_MARGIN, ret);

	wh_buf_fini(&p.b);
	return fault;
}

static bool
is_settled(const struct whc_object *op)
{
	static const char *const settled[] = {"conflict", "held",      "dead",
					      "done",     "cancelled", "superseded"};
	const char *state = whc_str(op, "state");

	for (size_t i = 0; state && i < wh_array_len(settled); i++)
		if (strcmp(state, settled[i]) == 0)
			return true;
	return false;
}

/* The operation that carries this one out with its own; NULL if none does. What a delete
 * superseded is carried out by nobody. */
static const char *
carrier_of(const struct whc_object *op)
{
	const char *result = whc_str(op, "result");

	return result && strcmp(result, "merged") == 0 ? whc_str(op, "into") : NULL;
}

/* Waits for one operation, whatever it was merged into. */
static int
wait_alone(struct whc *c, const char *op, int64_t deadline, struct whc_object **ret)
{
	for (;;) {
		int64_t left = deadline - whc_now();
		struct whc_object *now = NULL;
		int fault = wait_once(c, op,
				      left < 0          ? 0
				      : left > WAIT_MAX ? WAIT_MAX
							: left,
				      &now);

		if (fault)
			return fault;
		if (is_settled(now) || whc_now() >= deadline) {
			*ret = now;
			return 0;
		}
		whc_object_unref(now);
	}
}

int
whc_wait(struct whc *c, const char *op, int64_t timeout_ms, struct whc_object **ret)
{
	int64_t deadline = whc_deadline(timeout_ms < 0 ? c->timeout : timeout_ms);
	struct whc_object *now = NULL;
	int fault = wait_alone(c, op, deadline, &now);

	for (int i = 0; !fault && carrier_of(now) && i < FOLLOW_MAX; i++) {
		struct whc_object *carried = now;

		now = NULL;
		fault = wait_alone(c, carrier_of(carried), deadline, &now);
		whc_object_unref(carried);
	}
	if (!fault)
		*ret = now;
	return fault;
}

static void
add_filter(struct params *p, const struct whc_filter *f)
{
	add_text(p, "whname", f->whname);
	add_text(p, "applicationId", f->applicationId);
	add_text(p, "municipalityId", f->municipalityId);
	add_text(p, "callbackUrl", f->callbackUrl);
	add_text(p, "process", f->process);
	if (f->pending)
		add_bool(p, "pending", f->pending > 0);
	if (f->max_age_ms > 0)
		add_int(p, "max_age", f->max_age_ms);
}

int
whc_list(struct whc *c, const struct whc_filter *filter, whc_item_fn *item, void *arg)
{
	int fault = filter ? check_size(c, filter->size, sizeof(*filter)) : 0;

	if (fault)
		return fault;
	struct params p = params_begin();

	if (filter)
		add_filter(&p, filter);
	add_int(&p, "limit", 1000);
	wh_pack_close_map(&p.b, p.place, p.n);
	struct whc_bytes params = {p.b.p, p.b.n};

	fault = p.b.fault ? whc_fail(c, WHC_ENOMEM, "no memory for a call")
			  : whc_call_paged(c, "webhook.list", params, item, arg);
	wh_buf_fini(&p.b);
	return fault;
}
