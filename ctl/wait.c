/* SPDX-License-Identifier: MIT */
/*
 * wait and queue wait: for whd as a whole, for an operation, for a webhook.
 *
 * Called by main.c. Nothing is polled by the clock: whd parks the calls, and a
 * webhook is looked at again only after an event. What does not exist yet is
 * waited for as well.
 */
#include "ctl/op.h"

#define EVENT_ROUND 30000 /* ms one look at the change log is parked */
#define ANSWER_MARGIN 5000

static int64_t
patience_of(const struct wh_ctl *ctl)
{
	return ctl->timeout >= 0 ? ctl->timeout : WH_CTL_WAIT;
}

static int64_t
deadline_of(const struct wh_ctl *ctl)
{
	int64_t now = wh_ctl_now();
	int64_t wait = patience_of(ctl);

	return wait > INT64_MAX - now ? INT64_MAX : now + wait;
}

static int64_t
left_of(int64_t deadline, int64_t most)
{
	int64_t left = deadline - wh_ctl_now();

	if (left < 0)
		return 0;
	return left < most ? left : most;
}

static int
wait_op(struct wh_ctl *ctl, const char *id)
{
	struct wh_op_wait w = {.deadline = deadline_of(ctl)};
	struct whc_object *op = NULL;
	int r = wh_op_await(ctl, id, &w, &op);

	if (!r)
		r = wh_op_show(ctl, op);
	if (!r)
		r = wh_op_judge(ctl, op, &w);
	whc_object_unref(op);
	return r;
}

int
wh_run_queue_wait(struct wh_ctl *ctl)
{
	return wait_op(ctl, ctl->cli.words[0]);
}

/* The exit status is the answer; the object is shown if a format is asked for. */
static int
show_if_asked(struct wh_ctl *ctl, enum wh_result_shape shape, const struct whc_object *o)
{
	bool asked = ctl->cli.options[WH_OPTION_output] || ctl->cli.options[WH_OPTION_json] ||
		     ctl->cli.options[WH_OPTION_columns];

	return o && asked ? wh_ctl_show(ctl, shape, o) : 0;
}

/* ---- whd as a whole ---- */

static int
call_wait(struct wh_ctl *ctl, int64_t ms, struct whc_object **ret)
{
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_str(&p, "until", wh_str_c(ctl->cli.words[0]));
	int r = wh_ctl_params(ctl, &p);

	wh_params_int(&p, "timeout_ms", ms);
	if (!r)
		r = wh_ctl_try(ctl, "wait", wh_params_end(&p), ms + ANSWER_MARGIN, ret);
	wh_params_fini(&p);
	return r;
}

static int
wait_whd(struct wh_ctl *ctl)
{
	int64_t deadline = deadline_of(ctl), wait = patience_of(ctl);
	struct whc_object *status = NULL;
	bool reached = false;

	for (;; wait = left_of(deadline, WH_CTL_ROUND)) {
		if (wait > WH_CTL_ROUND)
			wait = WH_CTL_ROUND;
		int fault = call_wait(ctl, wait, &status);

		if (fault >= 0)
			break;
		bool again = wh_ctl_failed_with(ctl, "TIMEOUT") && wh_ctl_now() < deadline;

		reached = reached || again;
		if (!again && !(reached && wh_ctl_away(ctl, deadline)))
			return wh_ctl_report(ctl);
	}
	int r = status ? show_if_asked(ctl, WH_RESULT_STATUS, status) : WH_EXIT_USAGE;

	whc_object_unref(status);
	return r;
}

/* ---- one webhook ---- */

enum verdict { MET, NOT_YET, NEVER, FAILED };

struct target {
	struct wh_ctl *ctl;
	const char *whid;
	const char *condition;
	enum verdict (*judge)(struct target *t, int fault);
	struct whc_object *webhook; /* as last seen; NULL if it is not there */
	bool reached;               /* whd answered before: it may be away for a while */
};

static bool
state_is(const struct target *t, const char *state)
{
	const char *now = t->webhook ? whc_str(t->webhook, "_whd.state") : NULL;

	return now && strcmp(now, state) == 0;
}

/* Errors that only say that it is not there, or not there yet. */
static bool
is_absent(const struct target *t)
{
	return wh_ctl_failed_with(t->ctl, "NOT_FOUND") ||
	       wh_ctl_failed_with(t->ctl, "DELETED") ||
	       wh_ctl_failed_with(t->ctl, "NOT_SYNCED");
}

static enum verdict
judge_exists(struct target *t, int fault)
{
	if (!fault)
		return MET;
	return is_absent(t) ? NOT_YET : FAILED;
}

static enum verdict
judge_deleted(struct target *t, int fault)
{
	if (!fault)
		return NOT_YET;
	if (wh_ctl_failed_with(t->ctl, "NOT_FOUND"))
		return MET;
	return is_absent(t) ? NOT_YET : FAILED;
}

static enum verdict
judge_synced(struct target *t, int fault)
{
	if (fault)
		return is_absent(t) ? NOT_YET : FAILED;
	return state_is(t, "synced") && whc_int(t->webhook, "_whd.pending", 0) == 0 ? MET
										    : NOT_YET;
}

static enum verdict
judge_applied(struct target *t, int fault)
{
	if (!fault &&
	    (state_is(t, "conflict") || state_is(t, "held") || state_is(t, "rejected")))
		return NEVER;
	return judge_synced(t, fault);
}

static const struct {
	const char *name;
	enum verdict (*judge)(struct target *t, int fault);
} conditions[] = {
	{"applied", judge_applied},
	{"synced", judge_synced},
	{"deleted", judge_deleted},
	{"exists", judge_exists},
};

static enum verdict
look(struct target *t)
{
	struct wh_params p;

	t->webhook = whc_object_unref(t->webhook);
	wh_params_begin(&p);
	wh_params_str(&p, "whid", wh_str_c(t->whid));
	int fault = wh_ctl_try(t->ctl, "webhook.get", wh_params_end(&p), -1, &t->webhook);

	wh_params_fini(&p);
	return t->judge(t, fault);
}

/* Where in the change log one is. */
struct log_place {
	int64_t revision;
	char instance[128];
};

/* Reads on from a place; without one (revision < 0) only learns it. */
static int
read_events(struct wh_ctl *ctl, struct log_place *at, int64_t ms)
{
	struct whc_object *o = NULL;
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_int(&p, "timeout_ms", ms);
	if (at->revision >= 0) {
		wh_params_int(&p, "since", at->revision);
		wh_params_str(&p, "instance", wh_str_c(at->instance));
	}
	int fault = wh_ctl_try(ctl, "events.read", wh_params_end(&p), ms + ANSWER_MARGIN, &o);

	wh_params_fini(&p);
	if (fault)
		return fault;
	const char *instance = whc_str(o, "instance");

	at->revision = whc_int(o, "revision", -1);
	snprintf(at->instance, sizeof(at->instance), "%s", instance ? instance : "");
	whc_object_unref(o);
	return 0;
}

static int
report_never(const struct target *t)
{
	struct wh_buf text = WH_BUF_NULL, hint = WH_BUF_NULL;

	wh_buf_printf(&text, "a change of webhook %s needs a person: it is %s", t->whid,
		      whc_str(t->webhook, "_whd.state"));
	wh_buf_printf(&hint, "whctl queue list --whid %s", t->whid);
	struct wh_problem p = {"NOT_APPLIED", wh_buf_view(&text), wh_buf_view(&hint)};
	int exit = wh_report(&p, t->ctl->as_json);

	wh_buf_fini(&text);
	wh_buf_fini(&hint);
	return exit;
}

static int
end_webhook_wait(struct target *t, enum verdict v)
{
	struct wh_ctl *ctl = t->ctl;

	switch (v) {
	case MET:
		return show_if_asked(ctl, WH_RESULT_WEBHOOK, t->webhook);
	case NEVER:
		return report_never(t);
	case NOT_YET:
		return wh_ctl_fail(ctl, "TIMEOUT",
				   "webhook %s is not yet as asked (%s): it is %s", t->whid,
				   t->condition,
				   t->webhook ? whc_str(t->webhook, "_whd.state") : "absent");
	case FAILED:
		break;
	}
	return wh_ctl_report(ctl);
}

/* One look, and if need be the wait for a reason to look again. */
static enum verdict
wait_round(struct target *t, struct log_place *at, int64_t deadline)
{
	/* The place first, the look second: no change falls between. */
	if (at->revision < 0 && read_events(t->ctl, at, 0))
		return FAILED;
	enum verdict v = look(t);

	if (v != NOT_YET)
		return v;
	t->reached = true;
	return read_events(t->ctl, at, left_of(deadline, EVENT_ROUND)) ? FAILED : NOT_YET;
}

static int
wait_webhook(struct target *t)
{
	int64_t deadline = deadline_of(t->ctl);
	struct log_place at = {.revision = -1};
	enum verdict v;
	bool last;

	do {
		last = wh_ctl_now() >= deadline;
		v = wait_round(t, &at, deadline);
		if (v == FAILED && t->reached && wh_ctl_away(t->ctl, deadline))
			v = NOT_YET;
	} while (v == NOT_YET && !last);
	int r = end_webhook_wait(t, v);

	whc_object_unref(t->webhook);
	return r;
}

static int
wait_named(struct target *t)
{
	struct wh_buf name = WH_BUF_NULL;
	int r = wh_ctl_whid(t->ctl, t->whid, &name, &t->whid);

	if (!r)
		r = wait_webhook(t);
	wh_buf_fini(&name);
	return r;
}

/* ---- what is waited for ---- */

static int
run_webhook(struct wh_ctl *ctl, const char *whid)
{
	const char *name = ctl->cli.options[WH_OPTION_for];
	struct target t = {.ctl = ctl, .whid = whid, .condition = name ? name : "applied"};

	for (size_t i = 0; i < wh_array_len(conditions); i++) {
		t.judge = conditions[i].judge;
		if (strcmp(t.condition, conditions[i].name) == 0)
			return wait_named(&t);
	}
	return wh_ctl_fail(ctl, "USAGE", "--for %s is none of applied, synced, deleted, exists",
			   name);
}

static bool
is_of_whd(const char *word)
{
	return strcmp(word, "synced") == 0 || strcmp(word, "idle") == 0 ||
	       strcmp(word, "online") == 0;
}

int
wh_run_wait(struct wh_ctl *ctl)
{
	const char *word = ctl->cli.words[0];
	const char *condition = ctl->cli.options[WH_OPTION_for];

	if (strncmp(word, "whid=", 5) == 0 && word[5])
		return run_webhook(ctl, word + 5);
	if (is_of_whd(word))
		return condition ? wh_ctl_fail(ctl, "USAGE",
					       "--for goes with an operation or whid=WHID")
				 : wait_whd(ctl);
	if (!wh_str_is_guid(wh_str_c(word)))
		return wh_ctl_fail(ctl, "USAGE",
				   "\"%s\" is none of synced, idle, online, the id of an "
				   "operation (OP) or whid=WHID",
				   word);
	if (condition && strcmp(condition, "applied") != 0)
		return wh_ctl_fail(ctl, "USAGE", "an operation is waited for until applied");
	return wait_op(ctl, word);
}
