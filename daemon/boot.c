/* SPDX-License-Identifier: MIT */
/*
 * The store at a start. What has to be written before anything runs is written
 * in one transaction: the upstream it belongs to, its instance, what becomes of
 * operations that were on their way, and what becomes of all of them if the
 * store is not the one this folder had.
 *
 * Called by whd_run, on the main thread; nothing else writes yet.
 */
#include "daemon/boot.h"

#include <stdlib.h>

#include "daemon/apply.h"
#include "daemon/core/op.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/terms.h"

struct booting {
	struct whd *d;
	struct wh_boot boot;
	bool put_back;
	bool later;        /* what can wait until there is room does */
	uint64_t in_doubt; /* operations of a store that was put back */
	uint64_t damaged;  /* ... of one that was made anew */
};

static struct wh_store_options
options(const struct whd *d)
{
	struct wh_store_options o = {
		.path = d->config->store_path,
		.max_size = (uint64_t)d->config->store_max_size,
		.terms = wh_terms_of_webhook,
		.booted_at = wh_clock_boot(),
	};

#ifdef WHD_TEST_HOOKS
	o.settle_from = getenv("WHD_TEST_CATCH_UP") ? 1 : 0;
#endif
	return o;
}

static void
report_damage(void *ctx, const char *table, const char *sentence)
{
	(void)ctx;
	wh_log(WH_LOG_ERROR, "store", "damage found", "table=%s what=%s", table,
	       WH_LOGQ(wh_str_c(sentence)));
}

/* ------------------------------------------------------------------- open -- */

static bool
is_damage(enum wh_store_why why)
{
	return why == WH_STORE_WHY_TRUNCATED || why == WH_STORE_WHY_DAMAGED ||
	       why == WH_STORE_WHY_LMDB;
}

static bool
wants_repair(const struct whd *d)
{
	struct wh_str text = WH_STR_NULL;
	struct wh_view v;

	int r = wh_view_begin(d->store, &v);

	if (r)
		return r == WH_ECORRUPT;
	r = wh_meta_text(&v, WH_META_REPAIR, &text);
	bool wants = r == WH_ECORRUPT || (r == 0 && text.n > 0);

	wh_view_end(&v);
	return wants;
}

static int
make_anew(struct whd *d)
{
	const struct wh_store_options o = options(d);
	struct wh_salvaged s = {.now = d->now.wall.ms};
	struct wh_buf text = WH_BUF_NULL;
	int r;

	d->store = wh_store_close(d->store);
	wh_log(WH_LOG_ERROR, "store",
	       "the store is damaged: it is made anew of what can be read", "path=%s",
	       WH_LOGQ(wh_str_c(d->config->store_path)));
	r = wh_store_salvage(&o, &s, report_damage, NULL, &text);
	if (r)
		wh_log(WH_LOG_ERROR, "whd", "the store cannot be made anew", "why=%s",
		       WH_LOGQ(wh_buf_view(&text)));
	else
		wh_log(WH_LOG_WARNING, "store", "the store was made anew",
		       "rows=%llu problems=%llu damaged_file=%s", (unsigned long long)s.rows,
		       (unsigned long long)s.problems, s.aside);
	wh_buf_fini(&text);
	return r ? EXIT_FAILURE : 0;
}

/* Opens and looks at it. *ret_damaged: it can be made anew, and should be. */
static int
open_store(struct whd *d, bool *ret_damaged)
{
	const struct wh_store_options o = options(d);
	enum wh_store_why why = WH_STORE_WHY_NONE;
	struct wh_buf text = WH_BUF_NULL;
	int status = 0;

	*ret_damaged = false;
	if (wh_store_open(&d->store, &o, &why, &text)) {
		wh_log(WH_LOG_ERROR, "whd", "the store cannot be opened", "why=%s",
		       WH_LOGQ(wh_buf_view(&text)));
		status = why == WH_STORE_WHY_LOCKED ? WHD_EXIT_RUNNING : EXIT_FAILURE;
		*ret_damaged = is_damage(why);
	} else if (wh_store_check(d->store, false, report_damage, NULL) == WH_ECORRUPT ||
		   wants_repair(d)) {
		status = EXIT_FAILURE;
		*ret_damaged = true;
	}
	wh_buf_fini(&text);
	return status;
}

static int
open_or_make_anew(struct whd *d)
{
	bool damaged = false;
	int status = open_store(d, &damaged);

	if (!damaged)
		return status;
	status = make_anew(d);
	return status ? status : open_store(d, &damaged);
}

/* ------------------------------------------------------------------- bind -- */

static int
bind_url(struct whd *d, struct wh_txn *t)
{
	struct wh_str url;
	int r = wh_meta_text(&t->view, "url", &url);

	if (r == WH_ABSENT)
		return wh_meta_put_text(t, "url", wh_str_c(d->resource));
	if (r < 0 || wh_str_is(url, d->resource))
		return r;
	wh_log(WH_LOG_ERROR, "whd",
	       "the store belongs to another upstream: set [upstream] url back, set [store] "
	       "path to a new directory, or give up what is queued with whd --rebind",
	       "store_url=%s config_url=%s", WH_LOGQ(url), WH_LOGQ(wh_str_c(d->resource)));
	return WH_EINVAL;
}

static void
draw_instance(struct whd *d)
{
	uint64_t bits[2];
	uint8_t id[16];

	wh_clock_randoms(bits, 2);
	wh_op_id_make(id, d->now.wall, (const uint8_t *)bits);
	wh_op_id_text(id, d->instance);
}

/* A new store gets an instance, and so does one that was put back. */
static int
settle_instance(struct booting *b, struct wh_txn *t)
{
	struct whd *d = b->d;
	struct wh_str instance;
	int r = b->put_back ? WH_ABSENT : wh_meta_text(&t->view, WH_META_INSTANCE, &instance);

	if (r < 0)
		return r;
	if (r == 0 && instance.n == WH_INSTANCE_TEXT) {
		memcpy(d->instance, instance.p, instance.n);
		return 0;
	}
	draw_instance(d);
	return wh_meta_put_text(t, WH_META_INSTANCE, wh_str_c(d->instance));
}

static int
finish_repair(struct booting *b, struct wh_txn *t)
{
	struct wh_str rebuild = WH_STR_NULL;
	int r = wh_meta_text(&t->view, WH_META_REBUILD, &rebuild);

	if (r == WH_ABSENT || (r == 0 && rebuild.n == 0))
		return 0;
	if (r == 0)
		r = wh_damaged_run(t, &b->boot.rules, &b->damaged);
	if (r == 0)
		r = wh_rebuild_run(t, &b->boot.rules);
	return r ? r : wh_meta_put_text(t, WH_META_REBUILD, WH_STR_NULL);
}

static int
prepare(struct booting *b, struct wh_txn *t)
{
	int r = bind_url(b->d, t);

	b->boot.rules.list_last = t->view.meta.list_last;
	if (r == 0)
		r = settle_instance(b, t);
	if (r == 0 && b->put_back)
		r = wh_restored_run(t, &b->boot.rules, &b->in_doubt);
	if (r == 0)
		r = finish_repair(b, t);
	/* One may be missing under its key: until a list was seen whole nobody may be told
	 * that a webhook does not exist. */
	if (wh_store_bad_rows(b->d->store) > 0)
		t->view.meta.synced_at = 0;
	return r || b->later ? r : wh_boot_run(&b->boot.job, t);
}

static int
commit_once(struct booting *b)
{
	struct wh_txn t;
	int r = wh_txn_begin(b->d->store, &t);

	if (r)
		return r;
	r = prepare(b, &t);
	if (r) {
		wh_txn_abort(&t);
		return r;
	}
	wh_crash_at(&b->d->crash, WH_CRASH_BOOT_BEFORE);
	wh_crash_before_commit(&b->d->crash);
	r = wh_txn_commit(&t);
	wh_crash_after_commit(&b->d->crash);
	return r;
}

/* A full disk must not keep whd from starting: what can do without room is tried alone, and if
 * that is too much as well whd serves what there is, and sends nothing. */
static int
commit(struct booting *b)
{
	int r = commit_once(b);

	if (wh_fault_is_no_room(r)) {
		b->boot.sparing = true;
		r = commit_once(b);
	}
	if (wh_fault_is_no_room(r)) {
		b->later = true;
		r = commit_once(b);
	}
	return r;
}

/* -------------------------------------------------------------------- say -- */

static void
say_what_was_found(const struct booting *b)
{
	if (b->put_back)
		wh_log(WH_LOG_WARNING, "store",
		       "the store was restored, made anew, moved or copied here: it has a new "
		       "instance, "
		       "and each operation is looked up before anything of it is sent",
		       "ops=%llu instance=%s", (unsigned long long)b->in_doubt, b->d->instance);
	if (wh_store_took_back(b->d->store))
		wh_log(WH_LOG_INFO, "store",
		       "the last commit was cut off and is taken back: nothing of it had been "
		       "acknowledged",
		       WH_LOG_PLAIN);
	if (wh_store_bad_rows(b->d->store) > 0)
		wh_log(WH_LOG_ERROR, "store",
		       "webhooks are damaged: the next list brings them back", "rows=%llu",
		       (unsigned long long)wh_store_bad_rows(b->d->store));
	if (b->damaged)
		wh_log(WH_LOG_ERROR, "queue",
		       "operations were damaged: they are held for a person", "ops=%llu",
		       (unsigned long long)b->damaged);
	if (b->later)
		wh_log(WH_LOG_ERROR, "queue",
		       "the store has no room for the outcome of what was on its way when whd "
		       "ended: nothing is sent before that is stored; it is tried again every "
		       "second: " WHD_MAKE_ROOM,
		       "path=%s", WH_LOGQ(wh_str_c(b->d->config->store_path)));
	else
		wh_pump_tell_boot(&b->boot);
}

static void
say_why_not(const struct whd *d, int fault)
{
	const char *path = d->config->store_path;

	wh_log(WH_LOG_ERROR, "whd",
	       wh_fault_is_no_room(fault) ? "the store could not be prepared: " WHD_MAKE_ROOM
					    ", and start whd again"
					  : "the store could not be prepared",
	       "path=%s fault=%s", WH_LOGQ(wh_str_c(path)),
	       WH_LOGQ(wh_str_c(wh_fault_str(fault))));
}

static int
boot_store(struct whd *d, bool *ret_damaged)
{
	struct booting b = {.d = d, .put_back = wh_store_was_put_back(d->store)};

	wh_rules_now(d, &b.boot.rules);
	int r = commit(&b);

	if (r == WH_EINVAL)
		return WHD_EXIT_CONFIG;
	*ret_damaged = r == WH_ECORRUPT;
	if (r) {
		say_why_not(d, r);
		return EXIT_FAILURE;
	}
	d->boot_waits = b.later;
	wh_crash_at(&d->crash, WH_CRASH_BOOT_AFTER);
	if (wh_store_mark(d->store))
		wh_log(WH_LOG_WARNING, "store",
		       "the mark of the store cannot be written: the next start will take it "
		       "as "
		       "restored",
		       "path=%s", WH_LOGQ(wh_str_c(d->config->store_path)));
	wh_crash_at(&d->crash, WH_CRASH_BOOT_MARKED);
	say_what_was_found(&b);
	return 0;
}

/* What status goes on telling of, until an admin has had the store checked. */
static void
remember_damage(struct whd *d)
{
	struct wh_str text;

	if (wh_meta_text(&d->view, WH_META_DAMAGE, &text) == 0 && text.n)
		d->damage = wh_xstrdup(text);
}

int
wh_boot_store(struct whd *d)
{
	bool damaged = false;
	int status = open_or_make_anew(d);

	if (status == 0)
		status = boot_store(d, &damaged);
	if (damaged) { /* deeper than the first look went */
		status = make_anew(d);
		status = status ? status : open_store(d, &damaged);
		status = status ? status : boot_store(d, &damaged);
	}
	if (status == 0 && wh_view_begin(d->store, &d->view))
		status = EXIT_FAILURE;
	if (status == 0)
		wh_view_remember(&d->view);
	if (status == 0)
		remember_damage(d);
	return status;
}
