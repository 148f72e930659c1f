/* SPDX-License-Identifier: MIT */
/*
 * A person wants to know how the upstream is: one GET, at once, and what was
 * made of its answer. The gates hear of it as of any answer, so that a probe
 * may open one. Loop thread.
 *
 * It reads one webhook, not the list: that is cheap however many there are,
 * and an upstream that has none to show says so.
 */
#include "daemon/pump_own.h"
#include "daemon/waits.h"

#define NOBODY "00000000-0000-0000-0000-000000000000" /* to ask for when there is no row */

static struct wh_str
some_whid(const struct wh_view *v, char room[WH_KEY_MAX])
{
	struct wh_scan scan;
	struct wh_str key = WH_STR_NULL;
	struct wh_row row;

	if (wh_scan_begin(v, WH_SCAN_ROWS, WH_STR_NULL, &scan))
		return WH_STR(NOBODY);
	if (wh_scan_next(&scan, &key, &row, NULL) || !wh_whid_valid(key) || key.n > WH_KEY_MAX)
		key = WH_STR(NOBODY);
	memcpy(room, key.p, key.n); /* it borrows from the scan */
	wh_scan_end(&scan);
	return wh_str(room, key.n);
}

uint64_t
wh_pump_probe_draw(struct wh_pump *p)
{
	return ++p->probe_no;
}

void
wh_pump_probe(struct wh_pump *p, uint64_t number)
{
	char room[WH_KEY_MAX];
	struct wh_http_request r = {
		.kind = WH_HTTP_PROBE,
		.tag = number,
		.method = "GET",
		.whid = some_whid(&p->d->view, room),
	};

	wh_pump_request_key(p, &r);
	p->d->counters.probes++;
	wh_http_submit(p->d->http, &r);
}

/* A reply that is no webhook and no list is as good as none. */
static struct wh_outcome
judge(const struct wh_http_result *r)
{
	struct wh_outcome o = wh_outcome_judge_find(&r->facts);

	if (o.executed == WH_X_EXECUTED && !o.absent && !r->usable) {
		o.executed = WH_X_UNKNOWN;
		o.ask = WH_ASK_LINK;
		o.rule = "The reply is neither a webhook nor a list: not read.";
	}
	return o;
}

static void
pack(const struct wh_pump *p, const struct wh_facts *f, const struct wh_outcome *o,
     struct wh_buf *out)
{
	struct wh_buf sentence = wh_buf_capped(600);

	wh_outcome_sentence(&sentence, f, o);
	sentence.fault = 0; /* capped: the start is what matters */
	wh_pack_map(out, 9);
	wh_pack_kv_int(out, "status", f->status);
	wh_pack_kv_int(out, "took_ms", f->took_ms);
	wh_pack_kv_int(out, "key", f->key + 1);
	wh_pack_kv_uint(out, "keys", wh_keys_count(p->d->keys));
	wh_pack_kv_c(out, "outcome", wh_executed_str(o->executed));
	wh_pack_kv_c(out, "rule", o->rule);
	if (o->executed == WH_X_EXECUTED)
		wh_pack_kv_nil(out, "error");
	else
		wh_pack_kv_str(out, "error", wh_buf_view(&sentence));
	wh_pump_pack_gate(p, out);
	wh_buf_fini(&sentence);
}

void
wh_pump_probe_result(struct wh_pump *p, struct wh_http_result *r)
{
	struct wh_outcome o = judge(r), noted = o;
	struct wh_buf map = WH_BUF_NULL;

	if (o.ask == WH_ASK_AUTH && wh_pump_next_key(p, &r->facts)) {
		p->list_wanted = true; /* with the next key */
		noted.ask = WH_ASK_NONE;
	}
	if (o.executed == WH_X_EXECUTED)
		wh_gates_end_quota(&p->gates, p->d->now);
	wh_pump_note(p, &noted, &r->facts);
	pack(p, &r->facts, &o, &map);
	wh_waits_probed(p->d->waits, r->tag, wh_buf_view(&map));
	wh_buf_fini(&map);
	wh_http_result_free(r);
	wh_pump_poke(p);
}
