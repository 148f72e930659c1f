/* SPDX-License-Identifier: MIT */
/*
 * daemon/writer.c: the order in which commits are made, shown and handed back,
 * where the daemon as a whole can be brought there by chance only.
 */
#include "store_fixture.h"

#include "daemon/writer.c"

void
whd_tick(struct whd *d)
{
	(void)d;
}

void
whd_on_commit(struct whd *d)
{
	(void)d;
}

void
wh_pump_on_commit(struct wh_pump *p, const struct wh_buf *touches)
{
	(void)p;
	(void)touches;
}

void
wh_scrub_met_damage(struct whd *d)
{
	(void)d;
}

struct rig {
	struct whd d;
	struct wh_job first, next;
	bool handed_back, stopped;
};

static struct rig *
begin(struct fixture *f)
{
	struct rig *x = wh_xcalloc(1, sizeof(*x));

	assert_int_equal(uv_loop_init(&x->d.loop), 0);
	x->d.store = f->s;
	assert_int_equal(wh_view_begin(f->s, &x->d.view), 0);
	x->d.writer = wh_writer_start(&x->d);
	assert_non_null(x->d.writer);
	return x;
}

static void
on_stopped(struct whd *d)
{
	struct rig *x = (struct rig *)d;

	x->stopped = true;
	d->writer = wh_writer_free(d->writer);
}

/* Until all is handed back and the thread has ended. */
static void
run(struct rig *x)
{
	alarm(60);
	assert_int_equal(uv_run(&x->d.loop, UV_RUN_DEFAULT), 0);
	alarm(0);
	assert_true(x->stopped);
}

static void
end(struct rig *x)
{
	wh_view_end(&x->d.view);
	assert_int_equal(uv_loop_close(&x->d.loop), 0);
	free(x);
}

static int
put(struct wh_job *j, struct wh_txn *t)
{
	(void)j;
	return wh_meta_put_text(t, "a", WH_STR("a"));
}

static void
note_end(struct wh_job *j, struct whd *d, int fault)
{
	(void)j;
	assert_int_equal(fault, 0);
	((struct rig *)d)->handed_back = true;
}

static void
go_on(struct wh_job *j, struct whd *d, int fault)
{
	(void)j;
	assert_int_equal(fault, 0);
	wh_writer_submit(d->writer, &((struct rig *)d)->next);
}

/* As one that works in slices does. */
static void
test_what_is_submitted_while_it_stops(void **state)
{
	struct rig *x = begin(*state);

	x->first = (struct wh_job){.run = put, .done = go_on};
	x->next = (struct wh_job){.run = put, .done = note_end};
	wh_writer_submit(x->d.writer, &x->first);
	wh_writer_stop(x->d.writer, on_stopped);
	run(x);
	assert_true(x->handed_back);
	end(x);
}

/* A batch that failed makes no commit, and may be finished between two looks of the loop. */
static void
test_one_that_is_finished_meanwhile_is_not_seen(void **state)
{
	struct rig *x = begin(*state);
	struct wh_writer *w = x->d.writer;

	uv_mutex_lock(&w->mutex);
	w->unseen = true;
	uv_mutex_unlock(&w->mutex);
	renew_view(w);
	assert_false(w->unseen);

	uv_mutex_lock(&w->mutex);
	list_add(&w->finished, &x->first);
	w->unseen = true;
	uv_mutex_unlock(&w->mutex);
	renew_view(w);
	assert_true(w->unseen);
	list_init(&w->finished);
	w->unseen = false;
	wh_writer_stop(w, on_stopped);
	run(x);
	end(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_what_is_submitted_while_it_stops),
		fx_test(test_one_that_is_finished_meanwhile_is_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
