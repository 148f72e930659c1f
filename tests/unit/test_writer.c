/* SPDX-License-Identifier: MIT */
/*
 * daemon/writer.c: the order in which commits are made, shown and handed back,
 * where the daemon as a whole can be brought there by chance only.
 */
#include <stdatomic.h>

#include "store_fixture.h"

#include "daemon/committer.h"

/* A flush that takes as long as a test wants. */
static int slow_flush(struct wh_store *s);
#define wh_store_flush slow_flush
#include "daemon/committer.c"
#undef wh_store_flush
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

#define JOBS 4

struct one {
	struct wh_job job;
	const char *name;
	int fault;     /* of its body */
	unsigned runs; /* how often that ran */
};

struct rig {
	struct whd d;
	struct wh_job first, next;
	bool handed_back, stopped;

	struct one jobs[JOBS];
	struct wh_buf back; /* the names as they came back, */
	bool look;          /* with what the view showed then */
};

/* Held: the flush says that it has begun, and waits for the word to go on. */
static struct {
	atomic_bool held;
	uv_sem_t begun, go_on, ran;
} flush;

static int
slow_flush(struct wh_store *s)
{
	if (atomic_load(&flush.held)) {
		uv_sem_post(&flush.begun);
		uv_sem_wait(&flush.go_on);
	}
	return wh_store_flush(s);
}

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

/* ---------------------------------------------- while another is flushed -- */

static int
put_its_name(struct wh_job *j, struct wh_txn *t)
{
	struct one *o = (struct one *)(void *)j;

	o->runs++;
	uv_sem_post(&flush.ran);
	return o->fault ? o->fault : wh_meta_put_text(t, o->name, WH_STR("there"));
}

static bool
shows(const struct wh_view *v, const char *name)
{
	struct wh_str text;

	return wh_meta_text(v, name, &text) == 0;
}

static void
note_back(struct wh_job *j, struct whd *d, int fault)
{
	struct rig *x = (struct rig *)d;
	const struct one *o = (const struct one *)(const void *)j;

	wh_buf_c(&x->back, fault ? "!" : "");
	wh_buf_c(&x->back, o->name);
	if (!x->look)
		return;
	wh_buf_c(&x->back, "(");
	for (size_t i = 0; i < JOBS; i++)
		if (x->jobs[i].name && shows(&d->view, x->jobs[i].name))
			wh_buf_c(&x->back, x->jobs[i].name);
	wh_buf_c(&x->back, ")");
}

static void
submit(struct rig *x, size_t i, const char *name, int fault)
{
	x->jobs[i] = (struct one){
		.job = {.run = put_its_name, .done = note_back},
		.name = name,
		.fault = fault,
	};
	wh_writer_submit(x->d.writer, &x->jobs[i].job);
}

/* The first commits are flushed by LMDB itself; from then on a flush can be held. */
static struct rig *
begin_held(struct fixture *f)
{
	struct rig *x;

	for (int i = 0; i < 3; i++) {
		struct wh_txn t;

		fx_begin(f, &t);
		assert_int_equal(wh_meta_put_text(&t, "n", wh_str(&"123"[i], 1)), 0);
		fx_commit(&t);
	}
	assert_true(wh_store_flushes_apart(f->s));
	assert_int_equal(uv_sem_init(&flush.begun, 0), 0);
	assert_int_equal(uv_sem_init(&flush.go_on, 0), 0);
	assert_int_equal(uv_sem_init(&flush.ran, 0), 0);
	x = begin(f);
	atomic_store(&flush.held, true);
	submit(x, 0, "a", 0);
	uv_sem_wait(&flush.ran);
	uv_sem_wait(&flush.begun);
	return x;
}

/* Until so many are back. */
static void
expect_back(struct rig *x, const char *back)
{
	alarm(60);
	while (x->back.n < strlen(back))
		uv_run(&x->d.loop, UV_RUN_ONCE);
	alarm(0);
	assert_int_equal(x->back.n, strlen(back));
	assert_memory_equal(x->back.p, back, x->back.n);
}

static void
end_held(struct rig *x)
{
	wh_writer_stop(x->d.writer, on_stopped);
	run(x);
	wh_buf_fini(&x->back);
	uv_sem_destroy(&flush.begun);
	uv_sem_destroy(&flush.go_on);
	uv_sem_destroy(&flush.ran);
	end(x);
}

/* What comes in one by one meanwhile is one commit, which nobody sees before it is flushed. */
static void
test_the_next_batch_runs_while_one_is_flushed(void **state)
{
	struct rig *x = begin_held(*state);

	x->look = true;
	submit(x, 1, "b", 0);
	uv_sem_wait(&flush.ran);
	submit(x, 2, "c", 0);
	uv_sem_wait(&flush.ran);
	uv_sem_post(&flush.go_on);
	uv_sem_wait(&flush.begun);
	expect_back(x, "a(a)");
	uv_sem_post(&flush.go_on);
	expect_back(x, "a(a)b(abc)c(abc)");
	assert_int_equal(x->jobs[1].runs, 1);
	assert_int_equal(x->d.counters.commits, 2);
	end_held(x);
}

static void
test_one_that_fails_meanwhile(void **state)
{
	struct rig *x = begin_held(*state);

	submit(x, 1, "b", 0);
	uv_sem_wait(&flush.ran);
	submit(x, 2, "c", WH_EFULL);
	uv_sem_wait(&flush.ran);
	atomic_store(&flush.held, false);
	uv_sem_post(&flush.go_on);
	expect_back(x, "ab!c");
	assert_true(shows(&x->d.view, "b") && !shows(&x->d.view, "c"));
	assert_int_equal(x->jobs[1].runs, 2);
	assert_int_equal(x->d.counters.commit_reruns, 1);
	end_held(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_what_is_submitted_while_it_stops),
		fx_test(test_the_next_batch_runs_while_one_is_flushed),
		fx_test(test_one_that_fails_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
