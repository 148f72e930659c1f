/* SPDX-License-Identifier: MIT */
/*
 * Shows operations and waits for them.
 *
 * Called by mutate.c and wait.c. It changes nothing: an operation goes on
 * whether or not somebody waits for it, and every way out says so.
 */
#include "ctl/op.h"

#include "ctl/render.h"

#define ROUND_NOTED 2000 /* ms between looks when a person watches */
#define AWAY_PAUSE 250   /* ms between tries to reach whd again */
#define FOLLOW_MAX 16    /* merges into merges */
#define ANSWER_MARGIN 5000

static const char *
text_of(const struct whc_object *op, const char *member)
{
	const char *text = whc_str(op, member);

	return text ? text : "";
}

static bool
state_in(const struct whc_object *op, const char *const *states)
{
	for (; *states; states++)
		if (strcmp(text_of(op, "state"), *states) == 0)
			return true;
	return false;
}

/* True if the operation has ended or needs a person. */
static bool
op_is_settled(const struct whc_object *op)
{
	static const char *const settled[] = {"done",     "cancelled", "superseded", "dead",
					      "conflict", "held",      NULL};

	return state_in(op, settled);
}

/* True if the last error came with the reason; else it is that of an older attempt. */
static bool
error_is_of_reason(const struct whc_object *op)
{
	static const char *const reasons[] = {"forbidden",    "no_answer", "created_without_id",
					      "rejected_409", "outdated",  "damaged"};

	for (size_t i = 0; i < wh_array_len(reasons); i++)
		if (strcmp(text_of(op, "reason"), reasons[i]) == 0)
			return true;
	return false;
}

/* What there is to say about the state: the result, else why it is so. */
static void
put_detail(struct wh_buf *b, const struct whc_object *op)
{
	static const char *const by_reason[] = {"held", "conflict", "unknown", "cancelled",
						NULL};
	const char *result = text_of(op, "result"), *error = text_of(op, "last_error");

	if (*result) {
		wh_buf_c(b, result);
	} else if (*error && !state_in(op, by_reason)) {
		wh_buf_c(b, error);
	} else {
		wh_buf_c(b, text_of(op, "reason"));
		if (*error && error_is_of_reason(op))
			wh_buf_printf(b, ": %s", error);
	}
}

/* "queued 0192... as update 42 (reason)" */
static void
put_sentence(struct wh_buf *b, const struct whc_object *op)
{
	struct wh_buf detail = WH_BUF_NULL;

	put_detail(&detail, op);
	wh_escape(b, wh_str_c(text_of(op, "state")), WH_ESCAPE_LINE);
	wh_buf_byte(b, ' ');
	wh_escape(b, wh_str_c(text_of(op, "op")), WH_ESCAPE_LINE);
	wh_buf_c(b, " as ");
	wh_escape(b, wh_str_c(text_of(op, "kind")), WH_ESCAPE_LINE);
	wh_buf_byte(b, ' ');
	wh_escape(b, wh_str_c(text_of(op, "whid")), WH_ESCAPE_LINE);
	if (detail.n) {
		wh_buf_c(b, " (");
		wh_escape(b, wh_buf_view(&detail), WH_ESCAPE_LINE);
		wh_buf_byte(b, ')');
	}
	wh_buf_fini(&detail);
}

int
wh_op_show(struct wh_ctl *ctl, const struct whc_object *op)
{
	bool dry_run = wh_cli_has(&ctl->cli, "dry_run");
	struct wh_tree tree;

	if (ctl->out.format == WH_FORMAT_TABLE && !dry_run && !ctl->out.chosen) {
		struct wh_buf b = WH_BUF_NULL;

		put_sentence(&b, op);
		wh_out_text(&ctl->out, wh_buf_view(&b));
		wh_buf_fini(&b);
		return 0;
	}
	if (ctl->out.format != WH_FORMAT_TSV || dry_run)
		return wh_ctl_show(ctl, WH_RESULT_OP, op);
	int r = wh_ctl_decode(ctl, op, &tree);

	if (r)
		return r;
	wh_out_begin(&ctl->out, WH_RESULT_OPS);
	wh_out_item(&ctl->out, &tree.root);
	wh_out_end(&ctl->out);
	wh_tree_fini(&tree);
	return 0;
}

void
wh_ctl_note_queued(struct wh_ctl *ctl, const struct whc_object *op)
{
	if (wh_cli_has(&ctl->cli, "dry_run"))
		return;
	ctl->queued++;
	snprintf(ctl->queued_op, sizeof(ctl->queued_op), "%s", text_of(op, "op"));
}

bool
wh_ctl_away(struct wh_ctl *ctl, int64_t deadline)
{
	int fault = whc_error(ctl->client)->fault;
	bool away = fault == WHC_EUNREACHABLE || fault == WHC_ELOST ||
		    wh_ctl_failed_with(ctl, "SHUTTING_DOWN");

	return away && wh_ctl_now() < deadline && wh_ctl_pause(ctl, AWAY_PAUSE);
}

static int64_t
round_ms(const struct wh_ctl *ctl, int64_t deadline)
{
	int64_t left = deadline - wh_ctl_now();
	int64_t most = ctl->notes ? ROUND_NOTED : WH_CTL_ROUND;

	if (left < 0)
		return 0;
	return left < most ? left : most;
}

static int
await_once(struct wh_ctl *ctl, const char *id, int64_t ms, struct whc_object **ret)
{
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_str(&p, "op", wh_str_c(id));
	wh_params_int(&p, "timeout_ms", ms);
	int fault = wh_ctl_try(ctl, "queue.wait", wh_params_end(&p), ms + ANSWER_MARGIN, ret);

	wh_params_fini(&p);
	return fault;
}

/* What a person who waits wants to know; said only when it has changed. */
static void
note_progress(struct wh_ctl *ctl, const struct whc_object *op, struct wh_buf *last)
{
	struct wh_buf b = WH_BUF_NULL;
	int64_t next = whc_int(op, "next_at", 0) - wh_ctl_wall_now();

	wh_buf_printf(&b, "waiting: %s, attempts: %lld", text_of(op, "state"),
		      (long long)whc_int(op, "attempts", 0));
	if (*text_of(op, "last_error"))
		wh_buf_printf(&b, ", last error: %s", text_of(op, "last_error"));
	bool changed = !wh_str_eq(wh_buf_view(&b), wh_buf_view(last));

	wh_buf_reset(last);
	wh_buf_str(last, wh_buf_view(&b));
	if (next > 0) {
		wh_buf_c(&b, ", next try in ");
		wh_render_duration(&b, next);
	}
	if (changed)
		wh_ctl_note(ctl, "%.*s", WH_STR_FMT(wh_buf_view(&b)));
	wh_buf_fini(&b);
}

static int
report_wait(struct wh_ctl *ctl, const char *id)
{
	int fault = whc_error(ctl->client)->fault;

	if (fault != WHC_ECANCELLED)
		return wh_ctl_report(ctl);
	struct wh_buf hint = WH_BUF_NULL;

	wh_buf_printf(&hint, "whctl queue wait %s", id);
	struct wh_problem p = {
		"INTERRUPTED",
		WH_STR("stopped by a signal; the operation is queued and goes on"),
		wh_buf_view(&hint)};
	int exit = wh_report(&p, ctl->as_json);

	wh_buf_fini(&hint);
	return exit;
}

int
wh_op_await(struct wh_ctl *ctl, const char *id, const struct wh_op_wait *w,
	    struct whc_object **ret)
{
	struct wh_buf noted = WH_BUF_NULL;
	bool reached = w->patient;
	int r = 0;

	for (;;) {
		struct whc_object *op = NULL;
		int fault = await_once(ctl, id, round_ms(ctl, w->deadline), &op);

		if (fault && reached && wh_ctl_away(ctl, w->deadline))
			continue;
		if (fault) {
			r = report_wait(ctl, id);
			break;
		}
		reached = true;
		if (op_is_settled(op) || wh_ctl_now() >= w->deadline) {
			*ret = op;
			break;
		}
		note_progress(ctl, op, &noted);
		whc_object_unref(op);
	}
	wh_buf_fini(&noted);
	return r;
}

static int
judge_alone(struct wh_ctl *ctl, const struct whc_object *op)
{
	const char *id = text_of(op, "op");
	struct wh_buf text = WH_BUF_NULL, hint = WH_BUF_NULL, detail = WH_BUF_NULL;
	bool settled = op_is_settled(op);

	if (strcmp(text_of(op, "state"), "done") == 0)
		return 0;
	wh_buf_printf(&text, "operation %s (%s %s) is %s%s", id, text_of(op, "kind"),
		      text_of(op, "whid"), settled ? "" : "still ", text_of(op, "state"));
	put_detail(&detail, op);
	if (detail.n)
		wh_buf_printf(&text, ": %.*s", WH_STR_FMT(wh_buf_view(&detail)));
	wh_buf_printf(&hint, "whctl queue %s %s", settled ? "get" : "wait", id);
	struct wh_problem p = {settled ? "NOT_APPLIED" : "STILL_QUEUED", wh_buf_view(&text),
			       wh_buf_view(&hint)};
	int exit = wh_report(&p, ctl->as_json);

	wh_buf_fini(&text);
	wh_buf_fini(&hint);
	wh_buf_fini(&detail);
	return exit;
}

/* What a delete superseded has an `into` as well, but nobody carries it out. */
static bool
is_carried_by_another(const struct whc_object *op)
{
	return *text_of(op, "into") && strcmp(text_of(op, "result"), "merged") == 0;
}

int
wh_op_judge(struct wh_ctl *ctl, const struct whc_object *op, const struct wh_op_wait *w)
{
	struct whc_object *at = NULL;
	int r = 0;

	for (int i = 0; !r && is_carried_by_another(at ? at : op) && i < FOLLOW_MAX; i++) {
		struct whc_object *next = NULL;

		r = wh_op_await(ctl, text_of(at ? at : op, "into"), w, &next);
		if (r)
			break;
		whc_object_unref(at);
		at = next;
	}
	if (!r)
		r = judge_alone(ctl, at ? at : op);
	whc_object_unref(at);
	return r;
}
