/* SPDX-License-Identifier: MIT */
/*
 * libwhclient in an event loop of others: answers in any order, each callback
 * exactly once, events, and what callbacks may not do.
 */
#include "tests/unit/client_peer.h"

#define NOTHING ((struct whc_bytes){NULL, 0})

static struct whc *
open_to(struct peer *p, const struct peer_step *steps)
{
	struct whc *c;

	peer_listen(p);
	peer_start(p, steps);
	check("open", whc_open(&c, p->path, 0) == 0);
	return c;
}

static void
close_all(struct whc *c, struct peer *p)
{
	check("close", whc_close(c) == 0);
	peer_join(p);
	peer_fini(p);
}

/* What a callback was told. */
struct told {
	int times, fault, order;
	int64_t n;
};

/* Counts the callbacks of one test, so that their order can be seen. */
struct telling {
	struct told told[4];
	int count;
};

struct asked {
	struct telling *telling;
	size_t place;
};

static void
on_done(struct whc *c, int fault, struct whc_object *result, void *arg)
{
	struct asked *a = arg;
	struct told *told = &a->telling->told[a->place];

	(void)c;
	told->times++;
	told->fault = fault;
	told->order = ++a->telling->count;
	told->n = result ? whc_int(result, "n", -1) : -1;
}

/* Runs the caller's loop until `count` callbacks came, or whc_process fails. */
static int
run_loop(struct whc *c, const struct telling *t, int count)
{
	int r = 0;

	while (!r && t->count < count) {
		struct pollfd fd = {.fd = whc_fd(c), .events = whc_events(c)};
		int n = poll(&fd, 1, whc_timeout(c));

		check("the deadline is known", n > 0 || whc_timeout(c) == 0);
		r = whc_process(c);
	}
	return r;
}

static void
answers_come_in_any_order(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},       {PEER_EXPECT, "a", 0},
		{PEER_EXPECT, "b", 0},        {PEER_EXPECT, "c", 0},
		{PEER_ANSWER, "{'n': 2}", 2}, {PEER_ANSWER, "{'n': 0}", 0},
		{PEER_ANSWER, "{'n': 1}", 1}, {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked[3] = {{&t, 0}, {&t, 1}, {&t, 2}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("idle", whc_events(c) == POLLIN && whc_timeout(c) == -1);
	check("a", whc_call_async(c, "a", NOTHING, on_done, &asked[0]) == 0);
	check("b", whc_call_async(c, "b", NOTHING, on_done, &asked[1]) == 0);
	check("c", whc_call_async(c, "c", NOTHING, on_done, &asked[2]) == 0);
	check("wants to write", whc_events(c) == (POLLIN | POLLOUT));
	check("has a deadline", whc_timeout(c) > 0 && whc_timeout(c) <= 10000);
	check("not called back yet", t.count == 0);
	check("loop", run_loop(c, &t, 3) == 0);
	for (size_t i = 0; i < 3; i++)
		check("its own answer once", t.told[i].times == 1 && t.told[i].fault == 0 &&
						     t.told[i].n == (int64_t)i);
	check("order of arrival",
	      t.told[2].order == 1 && t.told[0].order == 2 && t.told[1].order == 3);
	check("idle again", whc_events(c) == POLLIN && whc_timeout(c) == -1);
	close_all(c, &p);
}

static void
loss_ends_each_call_once(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "a", 0},
		{PEER_EXPECT, "b", 0},  {PEER_ANSWER, "{'n': 5}", 1},
		{PEER_CLOSE, NULL, 0},  {PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "c", 0},  {PEER_ANSWER, "{'n': 6}", 2},
		{PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked[3] = {{&t, 0}, {&t, 1}, {&t, 2}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("a", whc_call_async(c, "a", NOTHING, on_done, &asked[0]) == 0);
	check("b", whc_call_async(c, "b", NOTHING, on_done, &asked[1]) == 0);
	run_loop(c, &t, 2);
	check("what was answered is kept", t.told[1].fault == 0 && t.told[1].n == 5);
	check("the other is lost", t.told[0].times == 1 && t.told[0].fault == WHC_ELOST);
	check("no connection", whc_fd(c) == -1);
	check("none by itself",
	      whc_call_async(c, "c", NOTHING, on_done, &asked[2]) == WHC_EUNREACHABLE);
	check("connect", whc_connect(c) == 0 && whc_fd(c) >= 0);
	check("c", whc_call_async(c, "c", NOTHING, on_done, &asked[2]) == 0);
	check("loop", run_loop(c, &t, 3) == 0 && t.told[2].n == 6);
	close_all(c, &p);
}

static void
close_ends_each_call_once(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_GONE, NULL, 0}, {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked[2] = {{&t, 0}, {&t, 1}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("a", whc_call_async(c, "a", NOTHING, on_done, &asked[0]) == 0);
	check("b", whc_call_async(c, "b", NOTHING, on_done, &asked[1]) == 0);
	close_all(c, &p);
	for (size_t i = 0; i < 2; i++)
		check("once", t.told[i].times == 1 && t.told[i].fault == WHC_EUNREACHABLE);
}

static void
time_out_ends_a_call(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "a", 0},
						 {PEER_EXPECT, "b", 0},
						 {PEER_ANSWER, "{'n': 1}", 1},
						 {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked[2] = {{&t, 0}, {&t, 1}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("short", whc_set_timeout(c, 1) == 0);
	check("a", whc_call_async(c, "a", NOTHING, on_done, &asked[0]) == 0);
	check("long", whc_set_timeout(c, 10000) == 0);
	check("loop", run_loop(c, &t, 1) == 0);
	check("a", t.told[0].fault == WHC_ETIMEOUT);
	check("b", whc_call_async(c, "b", NOTHING, on_done, &asked[1]) == 0);
	check("loop", run_loop(c, &t, 2) == 0 && t.told[1].n == 1);
	close_all(c, &p);
}

static void
time_out_ends_a_call_while_others_are_waited_for(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "a", 0},
						 {PEER_GONE, NULL, 0},
						 {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked = {&t, 0};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("short", whc_set_timeout(c, 50) == 0);
	check("a", whc_call_async(c, "a", NOTHING, on_done, &asked) == 0);
	check("dispatch", whc_dispatch(c, WHC_NO_TIMEOUT) == 0);
	check("a", t.told[0].fault == WHC_ETIMEOUT);
	close_all(c, &p);
}

/* Tries what a callback may not do, and queues another call, which it may. */
static void
on_done_meddling(struct whc *c, int fault, struct whc_object *result, void *arg)
{
	struct asked *a = arg;

	(void)fault;
	(void)result;
	a->telling->count++;
	check("blocking call", whc_status(c, NULL) == WHC_EINVALID);
	check("dispatch", whc_dispatch(c, 0) == WHC_EINVALID);
	check("process", whc_process(c) == WHC_EINVALID);
	check("connect", whc_connect(c) == WHC_EINVALID);
	check("close", whc_close(c) == WHC_EINVALID);
	check("another", whc_call_async(c, "b", NOTHING, on_done, a) == 0);
}

static void
callbacks_cannot_block(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "a", 0},        {PEER_ANSWER, "{}", 0},
		{PEER_EXPECT, "b", 0},  {PEER_ANSWER, "{'n': 8}", 1}, {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked = {&t, 0};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("a", whc_call_async(c, "a", NOTHING, on_done_meddling, &asked) == 0);
	check("loop", run_loop(c, &t, 2) == 0);
	check("the other one", t.told[0].times == 1 && t.told[0].n == 8);
	close_all(c, &p);
}

static void
calls_are_bounded(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_GONE, NULL, 0}, {PEER_END, NULL, 0}};
	struct telling t = {0};
	struct asked asked = {&t, 0};
	struct peer p;
	struct whc *c = open_to(&p, steps);
	int n = 0;

	(void)state;
	while (n < 5000 && whc_call_async(c, "a", NOTHING, on_done, &asked) == 0)
		n++;
	check("a limit", n == 1024 && whc_error(c)->fault == WHC_EINVALID);
	close_all(c, &p);
	check("all ended", t.count == n);
}

/* ---- events ---- */

struct watched {
	int events, ends;
	int64_t revision;
};

static void
on_event(struct whc *c, struct whc_object *event, void *arg)
{
	struct watched *w = arg;

	(void)c;
	if (!event) {
		w->ends++;
		return;
	}
	w->events++;
	w->revision = whc_int(event, "revision", -1);
}

static void
events_are_handed_over(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "events.subscribe", 0},
		{PEER_RESULT, "{'revision': 7, 'instance': 'i', 'reset': true}", 0},
		{PEER_EVENT, "{'revision': 8}", 0},
		{PEER_RAW, "\x93\x02\xa5other\x90", 9},
		{PEER_RAW,
		 "\x93\x02\xa5"
		 "event\x90",
		 9},
		{PEER_EXPECT, "status", 0},
		{PEER_EVENT, "{'revision': 9}", 0},
		{PEER_RESULT, "{'live': true}", 0},
		{PEER_CLOSE, NULL, 0},
		{PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct watched w = {0};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("whom to tell", whc_on_event(c, on_event, &w) == 0);
	check("subscribe", whc_subscribe(c, 5, "i", &o) == 0);
	check("reset", whc_bool(o, "reset") && whc_int(o, "revision", 0) == 7);
	whc_object_unref(o);
	while (w.events < 1)
		check("dispatch", whc_dispatch(c, 10000) == 0);
	check("first", w.revision == 8);
	check("a call meanwhile", whc_status(c, NULL) == 0);
	check("second", w.events == 2 && w.revision == 9);
	check("lost", whc_dispatch(c, 10000) == WHC_ELOST);
	check("told once that it ended", w.ends == 1);
	check("no connection", whc_dispatch(c, 0) == WHC_EUNREACHABLE && w.ends == 1);
	check("close", whc_close(c) == 0);
	peer_join(&p);
	check("since", peer_saw(&p, 0, "{'since': 5, 'instance': 'i'}"));
	peer_fini(&p);
}

static void
dispatch_runs_out_of_time(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "events.subscribe", 0},
						 {PEER_RESULT, "{'revision': 7}", 0},
						 {PEER_GONE, NULL, 0},
						 {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("subscribe", whc_subscribe(c, -1, NULL, NULL) == 0);
	check("nothing", whc_dispatch(c, 1) == WHC_ETIMEOUT);
	check("close", whc_close(c) == 0);
	peer_join(&p);
	check("what is new", peer_saw(&p, 0, "{}"));
	peer_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_any_order),
		cmocka_unit_test(loss_ends_each_call_once),
		cmocka_unit_test(close_ends_each_call_once),
		cmocka_unit_test(time_out_ends_a_call),
		cmocka_unit_test(time_out_ends_a_call_while_others_are_waited_for),
		cmocka_unit_test(callbacks_cannot_block),
		cmocka_unit_test(calls_are_bounded),
		cmocka_unit_test(events_are_handed_over),
		cmocka_unit_test(dispatch_runs_out_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
