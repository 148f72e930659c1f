/* SPDX-License-Identifier: MIT */
/*
 * Request ids: (uid, method, request id) -> the operation that was made for
 * it, and an index by age, by which they are forgotten.
 *
 * Looked up and written by transaction bodies on the commit thread.
 */
#include "store/index.h"

#define REQUEST_ID_MAX 128

void
wh_request_decode(const struct wh_value *v, struct wh_request *ret)
{
	const uint8_t *p = v->prefix;

	memcpy(ret->op, p, WH_OP_ID);
	p += WH_OP_ID;
	ret->params_hash[0] = wh_be_take(&p, 8);
	ret->params_hash[1] = wh_be_take(&p, 8);
	ret->at = wh_be_to_time(wh_be_take(&p, 8));
}

static void
request_key(struct wh_key *k, const struct wh_request *r)
{
	wh_key_init(k);
	wh_key_num(k, r->uid, 4);
	wh_key_num(k, r->method, 2);
	wh_key_add(k, r->request_id);
	if (r->request_id.n == 0 || r->request_id.n > REQUEST_ID_MAX)
		k->bad = true;
}

static int
get_request(const struct wh_view *v, const struct wh_key *k, struct wh_request *ret)
{
	struct wh_value value;
	int r = wh_table_get(v, WH_TABLE_REQUESTS, k, WH_REQUEST_PREFIX, &value);

	if (r == 0)
		wh_request_decode(&value, ret);
	return r;
}

int
wh_requests_get(const struct wh_view *v, struct wh_request *inout)
{
	struct wh_key k;

	request_key(&k, inout);
	return get_request(v, &k, inout);
}

static int
put_row(struct wh_txn *t, const struct wh_key *k, const struct wh_request *r)
{
	struct wh_put_result res;
	struct wh_draft d;

	wh_draft_init(&d);
	wh_draft_bytes(&d, r->op, WH_OP_ID);
	wh_draft_num(&d, r->params_hash[0], 8);
	wh_draft_num(&d, r->params_hash[1], 8);
	wh_draft_time(&d, r->at);
	int put = wh_table_put(t, WH_TABLE_REQUESTS, k, &d, &res);

	if (put == 0 && res.how == WH_PUT_NEW)
		t->view.meta.requests++;
	return put;
}

int
wh_requests_put(struct wh_txn *t, const struct wh_request *request)
{
	struct wh_request old;
	struct wh_key k;
	struct wh_key age;

	if (t->fault)
		return t->fault;
	request_key(&k, request);
	int r = get_request(&t->view, &k, &old);

	if (r < 0 && r != WH_ECORRUPT) /* a damaged one is replaced */
		return wh_txn_fail(t, r);
	if (r == 0 && old.at != request->at) {
		wh_index_by_age(&age, old.at, wh_key_view(&k));
		r = wh_table_drop(t, WH_TABLE_REQUESTS_INDEX, &age);
		if (r < 0)
			return r;
	}
	wh_index_by_age(&age, request->at, wh_key_view(&k));
	r = put_row(t, &k, request);
	return r == 0 ? wh_index_put(t, WH_TABLE_REQUESTS_INDEX, &age, 0, 0) : r;
}

/* The oldest index row, if it is older than `before`; in *ret. */
static int
oldest(const struct wh_txn *t, int64_t before, struct wh_key *ret)
{
	struct wh_walk w;
	int r = wh_walk_begin(&t->view, WH_TABLE_REQUESTS_INDEX, &w);

	if (r < 0)
		return r;
	r = wh_walk_first(&w);
	if (r == 0) {
		wh_key_init(ret);
		wh_key_add(ret, wh_walk_key(&w));
		if (ret->n > WH_BY_AGE_HEAD &&
		    wh_be_to_time(wh_be_get(ret->b + 1, 8)) >= before)
			r = WH_ABSENT;
	}
	wh_walk_end(&w);
	return r;
}

/* A row that was put again, at another time, is not the one of this index row. */
static int
drop_request(struct wh_txn *t, const struct wh_key *age)
{
	struct wh_request row = {.at = 0};
	struct wh_key k;
	int r = wh_table_drop(t, WH_TABLE_REQUESTS_INDEX, age);

	if (r < 0 || age->n <= WH_BY_AGE_HEAD)
		return r;
	wh_key_init(&k);
	wh_key_add(&k, wh_str((const char *)age->b + WH_BY_AGE_HEAD, age->n - WH_BY_AGE_HEAD));
	r = get_request(&t->view, &k, &row);
	if (r == 0 && row.at != wh_be_to_time(wh_be_get(age->b + 1, 8)))
		return 0;
	r = wh_table_del(t, WH_TABLE_REQUESTS, &k);
	if (r == 0)
		wh_meta_sub(&t->view.meta.requests, 1);
	return r < 0 ? r : 0;
}

int
wh_requests_trim(struct wh_txn *t, int64_t before, unsigned budget)
{
	struct wh_key age;
	int r = t->fault;

	while (r == 0 && budget-- > 0) {
		r = oldest(t, before, &age);
		if (r == 0)
			r = drop_request(t, &age);
	}
	return r == WH_ABSENT ? 0 : wh_txn_fail(t, r);
}
