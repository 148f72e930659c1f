/* SPDX-License-Identifier: MIT */
/*
 * A caller that lost the answer may ask again: the same request_id of the same
 * user and method is answered with the same operation, as it now is. Commit
 * thread, inside the transaction that would store the change.
 */
#include "daemon/apply.h"

static int
pack_stored_op(const struct wh_view *v, const uint8_t id[16], struct wh_buf *out)
{
	struct wh_oprow row;
	struct wh_past past;
	struct wh_op op;
	struct wh_str body;
	uint64_t seq;
	int r = wh_ops_find(v, id, &seq);

	if (r == 0)
		r = wh_ops_get(v, seq, &row);
	body = row.body;
	if (r == WH_ABSENT) {
		r = wh_history_find(v, id, &past);
		body = past.body;
	}
	if (r)
		return r;
	r = wh_op_decode(&op, body);
	if (r)
		return r;
	wh_op_pack(out, &op, NULL);
	return out->fault;
}

static int
refuse_reuse(struct wh_refusal *r)
{
	r->code = WH_ERR_REQUEST_ID_REUSED;
	wh_buf_reset(&r->text);
	wh_buf_c(&r->text, "this request_id was used with other parameters: draw a new one");
	return 0;
}

/* 0 = a repeated call was answered (or refused), WH_ABSENT = a new one. */
/* It has left the history. What became of it nobody can tell, but it was done once. */
static int
refuse_forgotten(struct wh_refusal *r)
{
	r->code = WH_ERR_OP_NOT_FOUND;
	wh_buf_reset(&r->text);
	wh_buf_c(&r->text, "this request_id was used before, and its operation has left the "
			   "history: nothing "
			   "was done; draw a new one if it is to be done again");
	return 0;
}

int
wh_request_answer(struct wh_enqueue *e, const struct wh_view *v)
{
	struct wh_request q = {
		.uid = e->uid,
		.method = (uint16_t)e->method,
		.request_id = wh_buf_view(&e->request_id),
	};

	if (e->request_id.n == 0)
		return WH_ABSENT;

	int r = wh_requests_get(v, &q);

	if (r)
		return r;
	if (q.at < e->rules.now.wall.ms - WH_REQUEST_ID_KEPT)
		return WH_ABSENT;
	if (memcmp(q.params_hash, e->params_hash, sizeof(q.params_hash)) != 0)
		return refuse_reuse(&e->refusal);
	r = pack_stored_op(v, q.op, &e->op);
	return r == WH_ABSENT ? refuse_forgotten(&e->refusal) : r;
}

int
wh_request_remember(const struct wh_enqueue *e, struct wh_txn *t)
{
	struct wh_request q = {
		.uid = e->uid,
		.method = (uint16_t)e->method,
		.request_id = wh_buf_view(&e->request_id),
		.at = e->rules.now.wall.ms,
	};

	if (e->request_id.n == 0)
		return 0;
	memcpy(q.op, e->answer, sizeof(q.op));
	memcpy(q.params_hash, e->params_hash, sizeof(q.params_hash));

	int r = wh_requests_put(t, &q);

	return r ? r : wh_requests_trim(t, q.at - WH_REQUEST_ID_KEPT, 2);
}
