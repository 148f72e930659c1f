/* SPDX-License-Identifier: MIT */
/*
 * Verbs that are one call and its result: get, metrics, config, log, sync, rpc
 * and the like.
 *
 * Called by main.c. Everything follows from the table of commands; the few
 * whose result is also a yes or no set the exit status by it.
 */
#include "ctl/ctl.h"
#include "ctl/input.h"
#include "proto/json.h"

/* Replaces name:NAME among the words that stand for a whid. */
static int
resolve_names(struct wh_ctl *ctl, struct wh_buf *b)
{
	const struct wh_cmd_info *cmd = ctl->cli.verb->cmd;
	size_t word = 0;

	for (size_t i = 0; i < cmd->n_args; i++) {
		if (!cmd->args[i].required)
			continue;
		const char **at = &ctl->cli.words[word++];
		int r = strcmp(cmd->args[i].name, "whid") == 0 ? wh_ctl_whid(ctl, *at, b, at)
							       : 0;

		if (r)
			return r;
	}
	return 0;
}

static int
add_params(struct wh_ctl *ctl, struct wh_params *p)
{
	struct wh_buf why = WH_BUF_NULL;
	int r = wh_cli_params(&ctl->cli, p, &why);

	if (r)
		r = wh_ctl_fail(ctl, "USAGE", "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	wh_buf_fini(&why);
	return r;
}

/* The last --whid, which is the one that counts; NULL if there is none. */
static struct wh_cli_arg *
whid_option(struct wh_ctl *ctl)
{
	for (size_t i = ctl->cli.n_args; i > 0; i--)
		if (strcmp(ctl->cli.args[i - 1].info->name, "whid") == 0)
			return &ctl->cli.args[i - 1];
	return NULL;
}

int
wh_ctl_params(struct wh_ctl *ctl, struct wh_params *p)
{
	struct wh_cli_arg *arg = whid_option(ctl);
	struct wh_buf name = WH_BUF_NULL;

	if (!arg)
		return add_params(ctl, p);
	const char *typed = arg->value;
	int r = wh_ctl_whid(ctl, typed, &name, &arg->value);

	if (!r)
		r = add_params(ctl, p);
	arg->value = typed;
	wh_buf_fini(&name);
	return r;
}

static bool
has_arg(const struct wh_cmd_info *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->n_args; i++)
		if (strcmp(cmd->args[i].name, name) == 0)
			return true;
	return false;
}

/*
 * How long to wait for the answer: a call that whd parks takes --timeout as
 * its timeout_ms, and then some for the answer to come.
 */
static int64_t
call_timeout(struct wh_ctl *ctl, struct wh_params *p)
{
	const struct wh_cmd_info *cmd = ctl->cli.verb->cmd;

	if (!has_arg(cmd, "timeout_ms"))
		return -1;
	int64_t wait = ctl->timeout >= 0 ? ctl->timeout : WH_CTL_WAIT;

	if (wait > WH_CTL_ROUND)
		wait = WH_CTL_ROUND;
	wh_params_int(p, "timeout_ms", wait);
	return wait + WH_CTL_TIMEOUT;
}

/* One call by the words and options given; *ret is its result. */
static int
call_verb(struct wh_ctl *ctl, struct whc_object **ret)
{
	const struct wh_cmd_info *cmd = ctl->cli.verb->cmd;
	struct wh_buf name = WH_BUF_NULL;
	struct wh_params p;

	wh_params_begin(&p);
	int r = ctl->cli.verb->operands ? 0 : resolve_names(ctl, &name);

	if (!r)
		r = wh_ctl_params(ctl, &p);
	if (!r) {
		int64_t timeout = call_timeout(ctl, &p);

		r = wh_ctl_call(ctl, cmd->method, wh_params_end(&p), timeout, ret);
	}
	wh_params_fini(&p);
	wh_buf_fini(&name);
	return r;
}

/* The list in a result that comes in one piece (config show); NULL if none. */
static const msgpack_object *
list_in(const msgpack_object *result)
{
	static const char *const names[] = {"items", "settings"};

	for (size_t i = 0; i < wh_array_len(names); i++) {
		const msgpack_object *list = wh_obj_get(result, names[i]);

		if (list && list->type == MSGPACK_OBJECT_ARRAY)
			return list;
	}
	return NULL;
}

static void
show_list(struct wh_ctl *ctl, enum wh_result_shape shape, const msgpack_object_array *list)
{
	wh_out_begin(&ctl->out, shape);
	for (uint32_t i = 0; i < list->size; i++)
		wh_out_item(&ctl->out, &list->ptr[i]);
	wh_out_end(&ctl->out);
}

int
wh_run_call(struct wh_ctl *ctl)
{
	enum wh_result_shape shape = ctl->cli.verb->cmd->result;
	struct whc_object *o = NULL;
	struct wh_tree tree;
	int r = call_verb(ctl, &o);

	if (!r)
		r = wh_ctl_decode(ctl, o, &tree);
	if (r) {
		whc_object_unref(o);
		return r;
	}
	const msgpack_object *list = list_in(&tree.root);

	if (list)
		show_list(ctl, shape, &list->via.array);
	else
		r = wh_ctl_show(ctl, shape, o);
	wh_tree_fini(&tree);
	whc_object_unref(o);
	return r;
}

static bool
needs_a_person(const char *state)
{
	return state && (strcmp(state, "dead") == 0 || strcmp(state, "conflict") == 0 ||
			 strcmp(state, "held") == 0);
}

int
wh_run_queue_get(struct wh_ctl *ctl)
{
	struct whc_object *o = NULL;
	int r = call_verb(ctl, &o);

	if (r)
		return r;
	r = wh_ctl_show(ctl, WH_RESULT_OP, o);
	if (!r && needs_a_person(whc_str(o, "state")))
		r = WH_EXIT_NEGATIVE;
	whc_object_unref(o);
	return r;
}

int
wh_run_sync(struct wh_ctl *ctl)
{
	struct whc_object *o = NULL;
	int r = call_verb(ctl, &o);

	if (r)
		return r;
	r = wh_ctl_show(ctl, WH_RESULT_SYNC, o);
	if (!r && whc_has(o, "complete") && !whc_bool(o, "complete"))
		r = WH_EXIT_NEGATIVE;
	whc_object_unref(o);
	return r;
}

int
wh_run_probe(struct wh_ctl *ctl)
{
	struct whc_object *o = NULL;
	int r = call_verb(ctl, &o);

	if (r)
		return r;
	r = wh_ctl_show(ctl, WH_RESULT_PROBE, o);
	if (!r && whc_has(o, "error"))
		r = WH_EXIT_NEGATIVE;
	whc_object_unref(o);
	return r;
}

static int
read_json_params(struct wh_ctl *ctl, struct wh_buf *params)
{
	const char *word = ctl->cli.n_words > 1 ? ctl->cli.words[1] : "{}";
	struct wh_buf text = wh_buf_capped(WH_INPUT_MAX);
	struct wh_json_error error = {0};
	int r = 0;

	if (strcmp(word, "-") == 0)
		r = wh_input_read(ctl, "-", &text);
	else
		wh_buf_c(&text, word);
	if (!r && wh_json_to_pack(wh_buf_view(&text), WH_INPUT_DEPTH, params, &error))
		r = wh_ctl_fail(ctl, "USAGE", "the parameters are not JSON: %s (line %d)",
				error.text, error.line);
	struct wh_str members;
	uint32_t n;

	if (!r && wh_map_split(wh_buf_view(params), &n, &members))
		r = wh_ctl_fail(ctl, "USAGE", "the parameters are not a JSON object");
	wh_buf_fini(&text);
	return r;
}

/* What whd may take for a call of any method: its own limit, if it may park. */
static int64_t
rpc_timeout(const struct wh_ctl *ctl, const char *method)
{
	const struct wh_cmd_info *cmd = wh_command_by_method(wh_str_c(method));

	if (ctl->timeout >= 0 || !cmd)
		return -1;
	if (cmd->flags & WH_CMD_LONG)
		return WH_CTL_LONG;
	return cmd->flags & WH_CMD_WAITS ? WH_CTL_ROUND + WH_CTL_TIMEOUT : -1;
}

int
wh_run_rpc(struct wh_ctl *ctl)
{
	const char *method = ctl->cli.words[0];
	struct wh_buf params = wh_buf_capped(WH_INPUT_MAX);
	struct whc_object *o = NULL;
	int r = read_json_params(ctl, &params);

	if (!r)
		r = wh_ctl_call(ctl, method, wh_buf_view(&params), rpc_timeout(ctl, method),
				&o);
	if (!r && !ctl->cli.options[WH_OPTION_output] && ctl->out.format != WH_FORMAT_NONE)
		wh_out_parse_format(&ctl->out, "json");
	if (!r)
		r = wh_ctl_show(ctl, WH_RESULT_DUMP, o);
	whc_object_unref(o);
	wh_buf_fini(&params);
	return r;
}
