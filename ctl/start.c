/* SPDX-License-Identifier: MIT */
/*
 * From a command line to an exit status: reads it, sets up format, color and
 * patience, and hands the run to the verb.
 *
 * Called by main.c, and by tests with another way out. Which function carries
 * out which verb is said here and nowhere else.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ctl/asked.h"

#ifndef WHD_VERSION
#define WHD_VERSION "unknown"
#endif

typedef int wh_run_fn(struct wh_ctl *ctl);

/* What is not here is a plain call, or a list if its method is paged. */
static wh_run_fn *const runs[WH_VERB_COUNT] = {
	[WH_VERB_webhook_create] = wh_run_create,
	[WH_VERB_webhook_update] = wh_run_update,
	[WH_VERB_webhook_delete] = wh_run_delete,
	[WH_VERB_queue_get] = wh_run_queue_get,
	[WH_VERB_queue_wait] = wh_run_queue_wait,
	[WH_VERB_queue_retry] = wh_run_op,
	[WH_VERB_queue_cancel] = wh_run_op,
	[WH_VERB_queue_hold] = wh_run_op,
	[WH_VERB_queue_release] = wh_run_op,
	[WH_VERB_queue_resolve] = wh_run_op,
	[WH_VERB_sync_now] = wh_run_sync,
	[WH_VERB_upstream_probe] = wh_run_probe,
	[WH_VERB_store_backup] = wh_run_backup,
	[WH_VERB_store_check] = wh_run_check,
	[WH_VERB_events_subscribe] = wh_run_watch,
	[WH_VERB_wait] = wh_run_wait,
	[WH_VERB_status] = wh_run_status,
	[WH_VERB_rpc] = wh_run_rpc,
	[WH_VERB_help] = wh_run_help,
	[WH_VERB_version] = wh_run_version,
	[WH_VERB_completion] = wh_run_completion,
};

static int
run_verb(struct wh_ctl *ctl)
{
	const struct wh_verb *v = ctl->cli.verb;

	if (runs[v->id])
		return runs[v->id](ctl);
	return v->cmd->flags & WH_CMD_PAGED ? wh_run_list(ctl) : wh_run_call(ctl);
}

static bool
env_is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, "0") != 0;
}

/* NO_COLOR before CLICOLOR_FORCE before what standard output is. */
static bool
wants_color(bool terminal)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no && *no)
		return false;
	if (env_is_set("CLICOLOR_FORCE"))
		return true;
	return terminal && term && strcmp(term, "dumb") != 0;
}

static int
set_color(struct wh_ctl *ctl)
{
	const char *when = ctl->cli.options[WH_OPTION_color];

	ctl->out.color = wants_color(ctl->out.terminal);
	if (!when || strcmp(when, "auto") == 0)
		return 0;
	if (strcmp(when, "always") != 0 && strcmp(when, "never") != 0)
		return wh_ctl_fail(ctl, "USAGE", "--color %s is none of auto, always, never",
				   when);
	ctl->out.color = when[0] == 'a';
	return 0;
}

static int
check_format(struct wh_ctl *ctl)
{
	const struct wh_cmd_info *cmd = ctl->cli.verb->cmd;
	enum wh_format format = ctl->out.format;

	if (format == WH_FORMAT_IDS && (!cmd || !wh_columns_id(cmd->result)))
		return wh_ctl_fail(ctl, "USAGE", "whctl %s has no ids to print",
				   ctl->cli.verb->name);
	if (cmd && cmd->result == WH_RESULT_TEXT &&
	    (format == WH_FORMAT_VALUE || ctl->out.chosen))
		return wh_ctl_fail(ctl, "USAGE", "whctl %s has no members to choose from",
				   ctl->cli.verb->name);
	if (ctl->out.chosen && format != WH_FORMAT_TABLE && format != WH_FORMAT_TSV)
		return wh_ctl_fail(ctl, "USAGE", "--columns goes with table and tsv");
	return wh_asked_check(ctl);
}

static int
set_format(struct wh_ctl *ctl)
{
	const char *name = ctl->cli.options[WH_OPTION_output];

	if (ctl->cli.options[WH_OPTION_json])
		name = "json";
	if (!name)
		name = ctl->out.terminal ? "table" : "tsv";
	if (strcmp(name, "none") == 0 || !wh_out_parse_format(&ctl->out, name))
		return wh_ctl_fail(ctl, "USAGE",
				   "-o %s is none of table, json, jsonl, tsv, ids, value=FIELD",
				   name);
	ctl->out.chosen = ctl->cli.options[WH_OPTION_columns];
	ctl->out.header = !ctl->cli.options[WH_OPTION_no_header];
	int r = check_format(ctl);

	if (ctl->cli.options[WH_OPTION_quiet])
		wh_out_parse_format(&ctl->out, "none");
	return r;
}

static int
set_duration(struct wh_ctl *ctl, enum wh_option option, int64_t *ret)
{
	const char *text = ctl->cli.options[option];

	if (!text || !*text)
		return 0;
	if (!wh_duration_parse(text, ret))
		return wh_ctl_fail(ctl, "USAGE",
				   "--%s %s is not a duration: write 500ms, 5s, 10min or 1h",
				   wh_options[option].name, text);
	return 0;
}

static int
set_wait(struct wh_ctl *ctl)
{
	if (ctl->cli.options[WH_OPTION_wait] && ctl->cli.options[WH_OPTION_no_wait])
		return wh_ctl_fail(ctl, "USAGE", "give --wait or --no-wait, not both");
	bool by_habit =
		env_is_set("WHCTL_WAIT") && wh_verb_takes(ctl->cli.verb, WH_OPTION_wait);
	bool wanted = ctl->cli.options[WH_OPTION_wait] ||
		      (by_habit && !ctl->cli.options[WH_OPTION_no_wait]);

	ctl->wait = wanted ? WH_CTL_WAIT : -1;
	return set_duration(ctl, WH_OPTION_wait, &ctl->wait);
}

/* A variable that a script forgot to set must not lead to another whd than was meant. */
static int
check_socket(struct wh_ctl *ctl)
{
	const char *path = ctl->cli.options[WH_OPTION_socket];

	if (!path || *path)
		return 0;
	return wh_ctl_fail(
		ctl, "USAGE",
		"-s names no socket: give its path, or leave -s out for the usual one");
}

static int
set_up_and_run(struct wh_ctl *ctl)
{
	int r = check_socket(ctl);

	if (!r)
		r = set_color(ctl);
	if (!r)
		r = set_format(ctl);
	if (!r)
		r = set_duration(ctl, WH_OPTION_timeout, &ctl->timeout);
	if (!r)
		r = set_wait(ctl);
	return r ? r : run_verb(ctl);
}

/* Errors are JSON if results are; also when the command line is not right. */
static bool
wants_json(int argc, char *const *argv, const struct wh_cli *cli)
{
	const char *output = cli->options[WH_OPTION_output];

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return output && (strcmp(output, "json") == 0 || strcmp(output, "jsonl") == 0);
}

static int
run_help(struct wh_ctl *ctl)
{
	if (ctl->cli.options[WH_OPTION_version]) {
		fprintf(ctl->out.file, "whctl %s\n", WHD_VERSION);
		return 0;
	}
	if (!ctl->cli.verb)
		return wh_help_words(ctl, ctl->cli.words, ctl->cli.n_words);
	wh_help_verb(ctl->out.file, ctl->cli.verb);
	return 0;
}

/* A change is queued whether or not anybody could be told. */
static int
report_output(struct wh_ctl *ctl)
{
	struct wh_buf text = WH_BUF_NULL, hint = WH_BUF_NULL;

	if (ctl->queued == 1) {
		wh_buf_printf(&text, "the change is queued as operation %s", ctl->queued_op);
		wh_buf_printf(&hint, "whctl queue get %s", ctl->queued_op);
	} else if (ctl->queued) {
		wh_buf_printf(&text, "%zu changes are queued", ctl->queued);
		wh_buf_c(&hint, "whctl queue list");
	}
	wh_buf_printf(&text, "%sthe result could not be written whole",
		      ctl->queued ? ", but " : "");
	struct wh_problem p = {"OUTPUT", wh_buf_view(&text), wh_buf_view(&hint)};
	int exit = wh_report(&p, ctl->as_json);

	wh_buf_fini(&text);
	wh_buf_fini(&hint);
	return exit;
}

int
wh_ctl_run(struct wh_ctl *ctl, int argc, char *const *argv)
{
	struct wh_buf why = WH_BUF_NULL;
	int r = wh_cli_parse(argc, argv, &ctl->cli, &why);

	ctl->as_json = wants_json(argc, argv, &ctl->cli);
	ctl->notes =
		isatty(STDERR_FILENO) && !ctl->cli.options[WH_OPTION_quiet] && !ctl->as_json;
	if (r)
		r = wh_ctl_fail(ctl, "USAGE", "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	else if (ctl->cli.options[WH_OPTION_help] || ctl->cli.options[WH_OPTION_version])
		r = run_help(ctl);
	else
		r = set_up_and_run(ctl);
	(void)whc_close(ctl->client);
	ctl->client = NULL;
	wh_cli_fini(&ctl->cli);
	wh_buf_fini(&why);
	if (fflush(ctl->out.file) != 0 || ferror(ctl->out.file) || ctl->out.failed)
		r = report_output(ctl);
	return r;
}
