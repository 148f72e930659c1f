/* SPDX-License-Identifier: MIT */
/*
 * delete: one webhook or several.
 *
 * Called by main.c. More than one is asked about on a terminal and needs --yes
 * elsewhere. All are queued before any is waited for; those that fail do not
 * keep the others from being tried, and the exit status says that some did.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/op.h"

struct deletion {
	struct wh_ctl *ctl;
	size_t n, failed;
	int exit;                /* of the first that failed */
	char code[40];           /* its code */
	struct wh_buf errors;    /* for programs: one map per failure */
	struct whc_object **ops; /* NULL where it failed */
};

/* Reads one line of the terminal; false after Ctrl-C or at its end. */
static bool
read_answer(const struct wh_ctl *ctl, char *ret, size_t size)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = ctl->signal_fd, .events = POLLIN}};
	ssize_t n;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	if (fds[1].revents)
		return false;
	n = read(STDIN_FILENO, ret, size - 1);
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

static int
confirm(struct wh_ctl *ctl)
{
	char answer[16];

	if (ctl->cli.n_words < 2 || ctl->cli.options[WH_OPTION_yes] ||
	    wh_cli_has(&ctl->cli, "dry_run"))
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return wh_ctl_fail(ctl, "USAGE",
				   "deleting %zu webhooks without a terminal needs --yes",
				   ctl->cli.n_words);
	fprintf(stderr, "Delete %zu webhooks? [y/N] ", ctl->cli.n_words);
	fflush(stderr);
	if (!read_answer(ctl, answer, sizeof(answer)))
		return wh_ctl_fail(ctl, "INTERRUPTED", "nothing was deleted");
	if (strcmp(answer, "y\n") != 0 && strcmp(answer, "yes\n") != 0)
		return wh_ctl_fail(ctl, "DECLINED", "nothing was deleted");
	return 0;
}

/* Notes a failure: printed at once for people, gathered for programs. */
static void
note_failure(struct deletion *d, const char *whid)
{
	struct wh_buf hint = WH_BUF_NULL;
	struct wh_problem p = wh_ctl_problem(d->ctl, &hint);

	if (!d->failed++) {
		d->exit = wh_exit_of(p.code);
		snprintf(d->code, sizeof(d->code), "%s", p.code);
	}
	if (d->ctl->as_json) {
		wh_pack_map(&d->errors, 4);
		wh_pack_kv_c(&d->errors, "whid", whid);
		wh_problem_pack(&d->errors, &p);
	} else {
		(void)wh_report(&p, false);
	}
	wh_buf_fini(&hint);
}

static int
try_delete(struct wh_ctl *ctl, const char *whid, struct whc_object **ret)
{
	char id[WHC_REQUEST_ID_SIZE];
	struct wh_params p;
	int r = whc_request_id(id);

	wh_params_begin(&p);
	wh_params_str(&p, "whid", wh_str_c(whid));
	wh_params_str(&p, "request_id", wh_str_c(id));
	if (!r)
		r = wh_ctl_params(ctl, &p);
	if (!r)
		r = wh_ctl_try(ctl, "webhook.delete", wh_params_end(&p), -1, ret);
	wh_params_fini(&p);
	return r;
}

/* Without a connection the rest is not tried one by one. */
static bool
is_hopeless(const struct wh_ctl *ctl)
{
	int fault = whc_error(ctl->client)->fault;

	return fault == WHC_EUNREACHABLE || fault == WHC_ECANCELLED;
}

/* The others fail for the same reason, which people are told once. */
static void
give_up(struct deletion *d, size_t from)
{
	for (size_t i = from; i < d->n; i++) {
		if (d->ctl->as_json)
			note_failure(d, d->ctl->cli.words[i]);
		else
			d->failed++;
	}
}

static void
queue_all(struct deletion *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (try_delete(d->ctl, d->ctl->cli.words[i], &d->ops[i]) == 0) {
			wh_ctl_note_queued(d->ctl, d->ops[i]);
			continue;
		}
		note_failure(d, d->ctl->cli.words[i]);
		if (is_hopeless(d->ctl)) {
			give_up(d, i + 1);
			return;
		}
	}
}

/* Waits for each, and puts the operation as it ended in its place. */
static void
await_all(struct deletion *d)
{
	struct wh_op_wait w = {.deadline = wh_ctl_now() + d->ctl->wait, .patient = true};

	for (size_t i = 0; i < d->n; i++) {
		struct whc_object *ended = NULL;
		const char *id = d->ops[i] ? whc_str(d->ops[i], "op") : NULL;
		int r = id ? wh_op_await(d->ctl, id, &w, &ended) : 0;

		if (ended) {
			whc_object_unref(d->ops[i]);
			d->ops[i] = ended;
			r = wh_op_judge(d->ctl, ended, &w);
		}
		if (r && !d->failed++)
			d->exit = r;
	}
}

static int
show_all(struct deletion *d)
{
	bool sentences = d->ctl->out.format == WH_FORMAT_TABLE && !d->ctl->out.chosen;
	int r = 0;

	if (!sentences)
		wh_out_begin(&d->ctl->out, WH_RESULT_OPS);
	for (size_t i = 0; !r && i < d->n; i++) {
		struct wh_tree tree;

		if (!d->ops[i])
			continue;
		r = sentences ? wh_op_show(d->ctl, d->ops[i])
			      : wh_ctl_decode(d->ctl, d->ops[i], &tree);
		if (r || sentences)
			continue;
		wh_out_item(&d->ctl->out, &tree.root);
		wh_tree_fini(&tree);
	}
	if (!sentences)
		wh_out_end(&d->ctl->out);
	return r;
}

static int
exit_of(const struct deletion *d)
{
	if (!d->failed)
		return 0;
	return d->failed == d->n ? d->exit : WH_EXIT_PARTLY;
}

/* One JSON error for all that failed. */
static void
report_gathered(struct deletion *d)
{
	struct wh_buf b = WH_BUF_NULL, text = WH_BUF_NULL;
	size_t listed = 0;

	for (size_t i = 0; i < d->n; i++)
		listed += !d->ops[i];
	if (!d->ctl->as_json || !d->errors.n)
		return;
	wh_buf_printf(&text, "%zu of %zu webhooks were not deleted", listed, d->n);
	struct wh_problem p = {.code = listed == d->n ? d->code : "PARTLY_FAILED",
			       .message = wh_buf_view(&text)};

	wh_pack_map(&b, 4);
	wh_problem_pack(&b, &p);
	wh_pack_c(&b, "failed");
	wh_buf_str(&b, wh_buf_view(&d->errors));
	wh_report_packed(wh_buf_view(&b));
	wh_buf_fini(&b);
	wh_buf_fini(&text);
}

static int
delete_many(struct wh_ctl *ctl)
{
	struct deletion d = {.ctl = ctl, .n = ctl->cli.n_words};
	size_t place = wh_pack_open_array(&d.errors);

	d.ops = wh_xcalloc(d.n, sizeof(struct whc_object *));
	queue_all(&d);
	wh_pack_close_array(&d.errors, place, d.ctl->as_json ? d.failed : 0);
	if (d.failed)
		report_gathered(&d);
	if (ctl->wait >= 0 && !wh_cli_has(&ctl->cli, "dry_run"))
		await_all(&d);
	int r = d.failed < d.n || !ctl->as_json ? show_all(&d) : 0;

	for (size_t i = 0; i < d.n; i++)
		whc_object_unref(d.ops[i]);
	free(d.ops);
	wh_buf_fini(&d.errors);
	return r ? r : exit_of(&d);
}

static int
delete_one(struct wh_ctl *ctl)
{
	struct whc_object *op = NULL;
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_str(&p, "whid", wh_str_c(ctl->cli.words[0]));
	int r = wh_op_send(ctl, &p, &op);

	if (!r)
		r = wh_op_finish(ctl, op);
	whc_object_unref(op);
	wh_params_fini(&p);
	return r;
}

/* All names are found before anything is deleted. */
static int
resolve_all(struct wh_ctl *ctl, struct wh_buf *names)
{
	int r = 0;

	for (size_t i = 0; !r && i < ctl->cli.n_words; i++)
		r = wh_ctl_whid(ctl, ctl->cli.words[i], &names[i], &ctl->cli.words[i]);
	return r;
}

int
wh_run_delete(struct wh_ctl *ctl)
{
	size_t n = ctl->cli.n_words;
	struct wh_buf *names = wh_xcalloc(n, sizeof(*names));
	int r = resolve_all(ctl, names);

	if (!r && n > 1 && wh_cli_has(&ctl->cli, "request_id"))
		r = wh_ctl_fail(ctl, "USAGE", "--request-id is for one webhook");
	if (!r)
		r = confirm(ctl);
	if (!r)
		r = n > 1 ? delete_many(ctl) : delete_one(ctl);
	for (size_t i = 0; i < n; i++)
		wh_buf_fini(&names[i]);
	free(names);
	return r;
}
