/* SPDX-License-Identifier: MIT */
/* alarm.c: timers ring at their time and in order, while the loop itself waits for none. */
#include "daemon/alarm.h"
#include "tests/unit/rows.h"

#define TIMERS 3

struct fixture {
	uv_loop_t loop;
	struct wh_alarms alarms;
	uv_timer_t timer[TIMERS];
	char rang[32]; /* the timers in the order in which they did */
	size_t n, until;
	unsigned closed;
};

static void
on_alarm(uv_timer_t *t)
{
	struct fixture *f = t->data;

	assert_true(f->n < sizeof(f->rang) - 1);
	f->rang[f->n++] = (char)('0' + (t - f->timer));
	if (f->n == f->until)
		uv_stop(&f->loop);
}

static void
on_closed(uv_handle_t *h)
{
	struct fixture *f = h->data;

	f->closed++;
}

static int
set_up(void **state)
{
	struct fixture *f = wh_xcalloc(1, sizeof(*f));

	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(wh_alarms_init(&f->alarms, &f->loop), 0);
	for (size_t i = 0; i < TIMERS; i++) {
		wh_alarm_init(&f->alarms, &f->timer[i]);
		f->timer[i].data = f;
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < TIMERS; i++)
		uv_close((uv_handle_t *)&f->timer[i], on_closed);
	wh_alarms_close(&f->alarms);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	wh_alarms_fini(&f->alarms);
	assert_int_equal(f->closed, TIMERS);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static void
start(struct fixture *f, size_t i, uint64_t delay, uint64_t repeat)
{
	wh_alarm_start(&f->alarms, &f->timer[i], on_alarm, delay, repeat);
}

/* Runs until so many have rung; the loop has a handle to wait for meanwhile. */
static void
run_until(struct fixture *f, size_t n)
{
	uv_async_t keeps_alive;

	f->until = n;
	uv_async_init(&f->loop, &keeps_alive, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&keeps_alive, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->n, n);
}

/* One that is set later may be due sooner. */
static void
test_in_order(void **state)
{
	struct fixture *f = *state;

	start(f, 0, 60, 0);
	start(f, 1, 20, 0);
	start(f, 2, 40, 0);
	run_until(f, 3);
	assert_string_equal(f->rang, "120");
}

static void
test_at_its_time(void **state)
{
	struct fixture *f = *state;
	uint64_t from = uv_hrtime();

	start(f, 0, 30, 0);
	run_until(f, 1);
	assert_true(uv_hrtime() - from >= 29u * 1000000);
}

/* The descriptor wakes up for the time that was given up, and finds that it is none. */
static void
test_put_off(void **state)
{
	struct fixture *f = *state;
	uint64_t from = uv_hrtime();

	start(f, 0, 10, 0);
	start(f, 0, 50, 0);
	run_until(f, 1);
	assert_true(uv_hrtime() - from >= 49u * 1000000);
}

static void
test_stopped(void **state)
{
	struct fixture *f = *state;

	start(f, 0, 10, 0);
	start(f, 1, 30, 0);
	uv_timer_stop(&f->timer[0]);
	run_until(f, 1);
	assert_string_equal(f->rang, "1");
}

static void
test_again_and_again(void **state)
{
	struct fixture *f = *state;

	start(f, 0, 0, 5);
	run_until(f, 4);
	assert_string_equal(f->rang, "0000");
}

/* Weeks, which a timeout of the loop has no room for. */
static void
test_far_off(void **state)
{
	struct fixture *f = *state;

	start(f, 0, (uint64_t)1 << 40, 0);
	start(f, 1, UINT64_MAX, 0);
	start(f, 2, 5, 0);
	run_until(f, 1);
	assert_string_equal(f->rang, "2");
}

/* What all this is for: nothing of them is seen in how long the loop would wait. */
static void
test_loop_waits_for_none(void **state)
{
	struct fixture *f = *state;
	uv_async_t other;

	start(f, 0, 60000, 0);
	assert_false(uv_loop_alive(&f->loop));
	uv_async_init(&f->loop, &other, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_backend_timeout(&f->loop), -1);
	uv_close((uv_handle_t *)&other, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_at_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_put_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_again_and_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_far_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_loop_waits_for_none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
