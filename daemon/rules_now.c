/* SPDX-License-Identifier: MIT */
/* From settings and state to the rules of a transaction body. */
#include "daemon/rules_now.h"

#include "daemon/pump.h"
#include "daemon/status.h"

/* Above these shares of the map new changes, then rows of lists are refused; outcomes never. */
#define ENQUEUE_PERCENT 80u
#define UPSERT_PERCENT 90u

static bool
above(const struct wh_store_space *s, unsigned percent)
{
	return s->used / 100 * 100 > s->map_size / 100 * percent;
}

static void
set_limits(struct whd *d, struct wh_rules *r)
{
	const struct wh_config *c = d->config;
	const struct wh_store_space *s = wh_status_space(d);

	r->max_ops = (uint64_t)c->queue_max_ops;
	r->max_bytes = (uint64_t)c->queue_max_bytes;
	r->store_full = above(s, ENQUEUE_PERCENT) || s->disk_free < (uint64_t)c->store_min_free;
	r->rows_full = above(s, UPSERT_PERCENT);
	r->history_max_age = c->history_max_age;
	r->history_max_ops = (uint64_t)c->history_max_ops;
	r->max_shrink = (uint32_t)c->sync_max_shrink;
}

static void
set_queue(struct whd *d, struct wh_rules *r)
{
	const struct wh_config *c = d->config;

	wh_require(wh_policy_parse(wh_str_c(c->queue_policy), &r->policy));
	r->patch_full = wh_str_is(wh_str_c(c->queue_patch_body), "full");
	r->marker = wh_str_is(wh_str_c(c->queue_create_marker), "comment");
	r->check_age = c->queue_check_age;
	r->settle_timeout = c->queue_settle_timeout;
	r->settle_error = c->queue_settle_error;
	r->retry_base = c->retry_base;
	r->retry_cap = c->retry_cap;
}

void
wh_rules_now(struct whd *d, struct wh_rules *ret)
{
	*ret = (struct wh_rules){
		.now = d->now,
		.random = wh_clock_draw(&d->randoms),
		.boot = d->boot,
#ifdef WHD_TEST_HOOKS
		.crash = &d->crash,
#endif
	};
	set_limits(d, ret);
	set_queue(d, ret);
	if (d->pump)
		wh_pump_rules(d->pump, ret);
}
