/* SPDX-License-Identifier: MIT */
/*
 * The control verbs that tell what happened, and wait for it to happen.
 *
 * Called through the table of control.c with the simulator's lock held; a
 * wait frees it meanwhile.  They never change the API's state.
 */
#include <string.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/control.h"
#include "tests/whsim/whsim.h"

enum { WAIT_DEFAULT_MS = 10000, WAIT_MAX_MS = 300000, LOG_LIMIT = 1000 };

void
wh_control_log_list(struct wh_call *call)
{
	int64_t since = 0;
	int64_t limit = LOG_LIMIT;

	if (wh_call_number(call, "since", &since) || wh_call_number(call, "limit", &limit))
		return;
	wh_call_json(call, wh_log_print(&call->sim->log, (uint64_t)since, (uint64_t)limit));
}

void
wh_control_log_clear(struct wh_call *call)
{
	wh_log_clear(&call->sim->log);
	wh_call_json(call, json_object());
}

void
wh_control_stats(struct wh_call *call)
{
	const struct whsim *sim = call->sim;
	json_t *out = wh_log_print_counts(&sim->log);
	json_t *more = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:s}", "log", (json_int_t)sim->log.last, "done",
		(json_int_t)sim->log.done, "rows", (json_int_t)sim->rows.count, "connections",
		(json_int_t)sim->conns.count, "late", (json_int_t)sim->late.count, "net",
		wh_net_names[sim->net.state]);

	json_object_update(out, more);
	json_decref(more);
	wh_call_json(call, out);
}

/* What a wait is for; -1 = not asked for. */
struct wait {
	int64_t log;
	int64_t done;
	int64_t requests;
	int64_t executed;
	int64_t fault;
	int64_t hits;
	int64_t timeout_ms;
	const char *method; /* NULL = all */
};

static int
wait_read(struct wh_call *call, struct wait *wait)
{
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = {
		{"log_at_least", &wait->log},
		{"done_at_least", &wait->done},
		{"requests_at_least", &wait->requests},
		{"executed_at_least", &wait->executed},
		{"fault", &wait->fault},
		{"hits_at_least", &wait->hits},
		{"timeout_ms", &wait->timeout_ms},
	};

	wait->method = wh_call_text(call, "method");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int r = wh_call_number(call, numbers[i].name, numbers[i].number);

		if (r)
			return r;
	}
	if (wait->timeout_ms > WAIT_MAX_MS)
		wait->timeout_ms = WAIT_MAX_MS;
	return 0;
}

/* A wait that waits for nothing is a slip of the pen. */
static bool
wait_makes_sense(struct wh_call *call, const struct wait *wait)
{
	bool counts = wait->requests >= 0 || wait->executed >= 0;

	if ((wait->hits >= 0) != (wait->fault >= 0))
		wh_call_fail(call, 400, "The arguments fault and hits_at_least go together.");
	else if (wait->method && !counts)
		wh_call_fail(call, 400,
			     "The argument method needs requests_at_least or "
			     "executed_at_least.");
	else if (!counts && wait->log < 0 && wait->done < 0 && wait->hits < 0)
		wh_call_fail(call, 400,
			     "Say what to wait for: log_at_least, done_at_least, "
			     "requests_at_least, executed_at_least or "
			     "hits_at_least.");
	return !call->status;
}

static struct wh_log_count
counted(const struct wh_log *log, const char *method)
{
	struct wh_log_count sum = {0};

	if (method)
		return log->counts[wh_log_method(method)];
	for (size_t i = 0; i < WH_LOG_METHODS; i++) {
		sum.requests += log->counts[i].requests;
		sum.executed += log->counts[i].executed;
	}
	return sum;
}

static bool
wait_is_over(const struct whsim *sim, const struct wait *wait)
{
	struct wh_log_count count = counted(&sim->log, wait->method);

	return (int64_t)sim->log.last >= wait->log && (int64_t)sim->log.done >= wait->done &&
	       (int64_t)count.requests >= wait->requests &&
	       (int64_t)count.executed >= wait->executed &&
	       (wait->fault < 0 || wh_faults_hits(&sim->faults, wait->fault) >= wait->hits);
}

void
wh_control_wait(struct wh_call *call)
{
	struct whsim *sim = call->sim;
	struct wait wait = {-1, -1, -1, -1, -1, -1, WAIT_DEFAULT_MS, NULL};
	int64_t until_ms;

	if (wait_read(call, &wait) || !wait_makes_sense(call, &wait))
		return;
	until_ms = wh_clock_in_ms(wait.timeout_ms);
	while (!wait_is_over(sim, &wait) && !sim->stopping && wh_clock_mono_ms() < until_ms)
		wh_sim_wait_until(sim, until_ms);
	wh_call_json(call,
		     json_pack("{s:b, s:I, s:I}", "met", (int)wait_is_over(sim, &wait), "log",
			       (json_int_t)sim->log.last, "done", (json_int_t)sim->log.done));
}
