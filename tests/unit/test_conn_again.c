/* SPDX-License-Identifier: MIT */
/*
 * daemon/conn_again.c: how often it reads from who was answered, and when it
 * gives the processor up for him. The clock, the scheduler, and what becomes of
 * a request are of this file.
 */
#include "tests/unit/rows.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/conn.h"

#define ALONE 64   /* settlings until it counts as the only one */
#define RARE 64    /* settlings from one read in vain to the next, at most */
#define AT_ONCE 64 /* requests until the others have their turn */

static struct {
	int64_t ms; /* what the clock tells */
	int peer;   /* the other end of the connection */
	unsigned answered;
	unsigned asks_again; /* so many times, as it is answered */
	bool asks_aside;     /* as whd steps aside */
	unsigned aside;      /* how often it did */
	int64_t slice;       /* ms that this takes */
} fake;

static void
ask(void)
{
	assert_int_equal(write(fake.peer, "?", 1), 1);
}

int
sched_yield(void)
{
	fake.aside++;
	fake.ms += fake.slice;
	if (fake.asks_aside)
		ask();
	return 0;
}

void
whd_tick(struct whd *d)
{
	d->now.mono.ms = fake.ms;
}

void
wh_conn_take_bytes(struct wh_conn *c, const char *p, size_t n)
{
	(void)c;
	assert_memory_equal(p, "?", n);
	assert_int_equal(n, 1);
}

void
wh_conn_go_on(struct wh_conn *c)
{
	(void)c;
	fake.answered++;
	if (fake.asks_again > 0) {
		fake.asks_again--;
		ask();
	}
}

struct fixture {
	struct whd d;
	struct wh_server s;
	struct wh_conn c, other;
	char room[WH_READ_ROOM];
	int fds[2];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fds), 0);
	memset(&fake, 0, sizeof(fake));
	fake.ms = 1000;
	fake.peer = f->fds[1];
	f->s.d = &f->d;
	f->s.read_room = f->room;
	f->c = (struct wh_conn){.server = &f->s, .id = 7, .fd = f->fds[0], .reading = true};
	f->other = (struct wh_conn){.server = &f->s, .id = 8, .fd = -1};
	whd_tick(&f->d);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)close(f->fds[0]);
	(void)close(f->fds[1]);
	free(f);
	return 0;
}

static void
settle(struct fixture *f, unsigned times)
{
	while (times-- > 0) {
		whd_tick(&f->d);
		wh_conn_again(&f->s, &f->c);
	}
}

static void
test_who_has_asked_is_answered(void **state)
{
	ask();
	settle(*state, 1);
	assert_int_equal(fake.answered, 1);
	fake.asks_again = 2;
	ask();
	settle(*state, 1);
	assert_int_equal(fake.answered, 4);
}

static void
test_not_for_longer_than_others_wait(void **state)
{
	fake.asks_again = 1000;
	ask();
	settle(*state, 1);
	assert_int_equal(fake.answered, AT_ONCE);
	settle(*state, 1);
	assert_int_equal(fake.answered, 2 * AT_ONCE);
}

static void
test_reads_in_vain_become_rare(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	settle(f, 1000);
	ask();
	for (; fake.answered == 0 && n < 1000; n++)
		settle(f, 1);
	assert_in_range(n, 1, RARE);
	fake.answered = 0;
	ask();
	settle(f, 1);
	assert_int_equal(fake.answered, 1);
}

static void
test_steps_aside_for_one_that_was_alone_for_a_while(void **state)
{
	settle(*state, ALONE);
	assert_int_equal(fake.aside, 0);
	settle(*state, RARE);
	assert_int_equal(fake.aside, 1);
}

static void
test_answers_what_was_asked_meanwhile(void **state)
{
	settle(*state, ALONE);
	fake.asks_aside = true;
	settle(*state, RARE);
	assert_int_equal(fake.aside, fake.answered);
	assert_in_range(fake.answered, AT_ONCE, RARE * AT_ONCE);
}

static void
test_not_while_there_are_others(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		settle(f, ALONE - 1);
		wh_conn_again(&f->s, i % 2 ? &f->other : NULL);
	}
	assert_int_equal(fake.aside, 0);
}

/* With a thousandth of the time lost it goes on, whoever wants the processor. */
static void
test_stays_where_others_want_the_processor(void **state)
{
	settle(*state, ALONE);
	fake.slice = 4;
	settle(*state, RARE);
	assert_int_equal(fake.aside, 1);
	fake.ms += 3999;
	settle(*state, 10 * RARE);
	assert_int_equal(fake.aside, 1);
	fake.ms++;
	settle(*state, 10 * RARE);
	assert_int_equal(fake.aside, 2);
}

static void
test_the_end_of_a_millisecond_is_no_loss(void **state)
{
	settle(*state, ALONE);
	fake.slice = 1;
	settle(*state, 10 * RARE);
	assert_in_range(fake.aside, 10, 11);
}

static void
test_the_end_is_left_to_the_loop(void **state)
{
	struct fixture *f = *state;

	settle(f, ALONE);
	assert_int_equal(shutdown(f->fds[1], SHUT_WR), 0);
	settle(f, 10 * RARE);
	assert_int_equal(fake.aside + fake.answered, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_has_asked_is_answered),
		TEST(test_not_for_longer_than_others_wait),
		TEST(test_reads_in_vain_become_rare),
		TEST(test_steps_aside_for_one_that_was_alone_for_a_while),
		TEST(test_answers_what_was_asked_meanwhile),
		TEST(test_not_while_there_are_others),
		TEST(test_stays_where_others_want_the_processor),
		TEST(test_the_end_of_a_millisecond_is_no_loss),
		TEST(test_the_end_is_left_to_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
