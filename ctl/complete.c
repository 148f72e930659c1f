/* SPDX-License-Identifier: MIT */
/*
 * Completion: the scripts of the shells, which only hand the words to
 * `whctl --complete-args`, and the answer to that.
 *
 * Called by main.c. Each candidate is a line: the word, and after a tab what
 * it is. Ids come from whd within 150 ms; whatever goes wrong, it is silent
 * and quick, because a person is typing.
 */
#include "ctl/ctl.h"
#include "ctl/escape.h"

#define PATIENCE 150 /* ms for whd */
#define IDS_MAX 200

static const char bash_script[] =
	"_whctl() {\n"
	"\tlocal IFS=$'\\n' line\n"
	"\tCOMPREPLY=()\n"
	"\twhile read -r line; do\n"
	"\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"\tdone < <(whctl --complete-args \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	"}\n"
	"complete -o default -F _whctl whctl\n";

static const char zsh_script[] =
	"#compdef whctl\n"
	"_whctl() {\n"
	"\tlocal -a found\n"
	"\tlocal line\n"
	"\tfor line in ${(f)\"$(whctl --complete-args \"${(@)words[2,CURRENT]}\" "
	"2>/dev/null)\"}; do\n"
	"\t\tfound+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\tdone\n"
	"\t_describe whctl found || _files\n"
	"}\n"
	"compdef _whctl whctl\n";

static const char fish_script[] = "function __whctl\n"
				  "\tset -l words (commandline -opc) (commandline -ct)\n"
				  "\twhctl --complete-args $words[2..-1] 2>/dev/null\n"
				  "end\n"
				  "complete -c whctl -a '(__whctl)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

int
wh_run_completion(struct wh_ctl *ctl)
{
	for (size_t i = 0; i < wh_array_len(scripts); i++) {
		if (strcmp(ctl->cli.words[0], scripts[i].shell) != 0)
			continue;
		wh_out_text(&ctl->out, wh_str_c(scripts[i].script));
		return 0;
	}
	return wh_ctl_fail(ctl, "USAGE", "there is no completion for %s: bash, zsh or fish",
			   ctl->cli.words[0]);
}

/* Values that stand in no table of another program. */
static const struct {
	const char *name, *values;
} choices[] = {
	{"output", "table\njson\njsonl\ntsv\nids\nvalue=\n"},
	{"color", "auto\nalways\nnever\n"},
	{"for", "applied\nsynced\ndeleted\nexists\n"},
	{"view", "effective\nconfirmed\n"},
	{"policy", "merge\nlocal-wins\nremote-wins\nmanual\n"},
	{"state", "queued\nchecking\nsending\nunknown\nconflict\nheld\ndead\ndone\ncancelled\n"
		  "superseded\n"},
	{"take", "mine\ntheirs\nrecreate\ndiscard\nadopt\n"},
	{"level", "error\nwarning\ninfo\ndebug\n"},
	{"until", "synced\nidle\nonline\nwhid=\n"},
	{"shell", "bash\nzsh\nfish\n"},
};

struct asked {
	struct wh_str prefix; /* what is typed of the word so far */
	struct wh_buf out;
};

static void
offer(struct asked *a, struct wh_str word, struct wh_str help)
{
	if (word.n < a->prefix.n || memcmp(word.p, a->prefix.p, a->prefix.n) != 0)
		return;
	wh_escape(&a->out, word, WH_ESCAPE_LINE);
	wh_buf_byte(&a->out, '\t');
	wh_escape(&a->out, help, WH_ESCAPE_LINE);
	wh_buf_byte(&a->out, '\n');
}

static bool
offer_choices(struct asked *a, const char *name)
{
	for (size_t i = 0; i < wh_array_len(choices); i++) {
		const char *at = choices[i].values;

		if (strcmp(choices[i].name, name) != 0)
			continue;
		for (const char *end; (end = strchr(at, '\n')); at = end + 1)
			offer(a, wh_str(at, (size_t)(end - at)), WH_STR_NULL);
		return true;
	}
	return false;
}

/*
 * A shell puts what is offered on the command line as it is. An id that could
 * mean something else there is not offered.
 */
static bool
is_harmless(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._:/@+-")] == '\0';
}

/* Ids of what a method lists, each with another member as its help. */
static void
offer_ids(struct asked *a, const char *method, const char *id, const char *help)
{
	struct wh_params p;
	struct whc *c = NULL;
	struct whc_object *page = NULL;

	wh_params_begin(&p);
	wh_params_int(&p, "limit", IDS_MAX);
	struct wh_str params = wh_params_end(&p);

	if (whc_open(&c, NULL, 0) == 0 && whc_set_timeout(c, PATIENCE) == 0)
		(void)whc_call(c, method, (struct whc_bytes){params.p, params.n}, PATIENCE,
			       &page);
	for (size_t i = 0; page && i < whc_count(page, "items"); i++) {
		char path[64];

		snprintf(path, sizeof(path), "items.%zu.%s", i, id);
		const char *word = whc_str(page, path);

		snprintf(path, sizeof(path), "items.%zu.%s", i, help);
		if (word && is_harmless(word))
			offer(a, wh_str_c(word), wh_str_c(whc_str(page, path)));
	}
	whc_object_unref(page);
	(void)whc_close(c);
	wh_params_fini(&p);
}

static void
offer_value(struct asked *a, const char *name)
{
	if (offer_choices(a, name))
		return;
	if (strcmp(name, "whid") == 0)
		offer_ids(a, "webhook.list", "whid", "whname");
	if (strcmp(name, "op") == 0)
		offer_ids(a, "queue.list", "op", "state");
}

/* The words of verbs at place `which` that go with the first word. */
static void
offer_verbs(struct asked *a, const char *first)
{
	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		const struct wh_verb *v = &wh_verbs[i];
		size_t n = strcspn(v->name, " ");

		if (!first && n && !v->name[n])
			offer(a, wh_str(v->name, n), wh_str_c(v->help));
		else if (!first && n &&
			 (i == 0 || strncmp(wh_verbs[i - 1].name, v->name, n) != 0))
			offer(a, wh_str(v->name, n), WH_STR_NULL);
		else if (first && v->name[n] && strncmp(v->name, first, n) == 0 && !first[n])
			offer(a, wh_str_c(v->name + n + 1), wh_str_c(v->help));
	}
}

static void
offer_dashed(struct asked *a, const char *name, const char *help)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_buf_c(&b, "--");
	for (; *name; name++)
		wh_buf_byte(&b, *name == '_' ? '-' : *name);
	offer(a, wh_buf_view(&b), wh_str_c(help));
	wh_buf_fini(&b);
}

static void
offer_options(struct asked *a, const struct wh_verb *v)
{
	for (size_t i = 0; v && v->cmd && i < v->cmd->n_args; i++) {
		struct wh_buf b = WH_BUF_NULL;

		wh_verb_arg_name(&b, &v->cmd->args[i]);
		wh_buf_byte(&b, '\0');
		if (!b.fault && wh_verb_arg_is_option(v, &v->cmd->args[i]))
			offer_dashed(a, b.p, v->cmd->args[i].help);
		wh_buf_fini(&b);
	}
	for (size_t i = 0; v && (v->scopes & WH_SCOPE_INPUT) && i < WH_F_COUNT; i++)
		offer_dashed(a, wh_fields[i].option, wh_fields[i].help);
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (wh_verb_takes(v, (enum wh_option)i))
			offer_dashed(a, wh_options[i].name, wh_options[i].help);
}

static const struct {
	enum wh_verb_id verb;
	const char *name;
} operands[] = {
	{WH_VERB_webhook_update, "whid"},
	{WH_VERB_webhook_delete, "whid"},
	{WH_VERB_wait, "until"},
	{WH_VERB_completion, "shell"},
};

/* The word number `place` after the verb. */
static void
offer_operand(struct asked *a, const struct wh_verb *v, size_t place)
{
	for (size_t i = 0; i < wh_array_len(operands); i++)
		if (operands[i].verb == v->id)
			offer_value(a, operands[i].name);
	for (size_t i = 0; v->id == WH_VERB_rpc && place == 0 && i < WH_CMD_COUNT; i++)
		offer(a, wh_str_c(wh_commands[i].method), wh_str_c(wh_commands[i].help));
	for (size_t i = 0; !v->operands && v->cmd && i < v->cmd->n_args; i++)
		if (v->cmd->args[i].required && place-- == 0)
			offer_value(a, v->cmd->args[i].name);
}

/* The option whose value the word is, if the word before it wants one. */
static const char *
value_option(const struct wh_verb *v, const char *before)
{
	bool dashed = before && strncmp(before, "--", 2) == 0;
	const char *name = before ? before + (dashed ? 2 : before[0] == '-') : "";
	enum wh_option o = WH_OPTION_COUNT;

	if (dashed)
		o = wh_option_by_name(wh_str_c(name));
	else if (before && before[0] == '-' && before[1] && !before[2])
		o = wh_option_by_letter(name[0]);
	if (o != WH_OPTION_COUNT)
		return wh_options[o].kind == WH_OPTION_VALUE ? wh_options[o].name : NULL;
	const struct wh_arg_info *arg = dashed && v ? wh_verb_arg(v, wh_str_c(name)) : NULL;

	if (arg)
		return arg->type == WH_ARG_BOOL ? NULL : arg->name;
	return dashed && wh_field_by_option(wh_str_c(name)) != WH_F_COUNT ? "" : NULL;
}

int
wh_complete(size_t n, char *const *words)
{
	const char *plain[2] = {NULL, NULL};
	const char *last = n ? words[n - 1] : "";
	struct asked a = {.prefix = wh_str_c(last)};
	const struct wh_verb *v = NULL;
	struct wh_buf why = WH_BUF_NULL;
	size_t n_plain = 0, used = 0;

	for (size_t i = 0; i + 1 < n; i++)
		if (words[i][0] != '-' && n_plain++ < 2)
			plain[n_plain - 1] = words[i];
	if (wh_verb_find(plain, n_plain < 2 ? n_plain : 2, &v, &used, &why))
		v = NULL;
	const char *option = value_option(v, n > 1 ? words[n - 2] : NULL);

	if (option)
		offer_value(&a, option);
	else if (last[0] == '-')
		offer_options(&a, v);
	else if (n_plain < 2)
		offer_verbs(&a, plain[0]);
	if (!option && last[0] != '-' && v && v->id == WH_VERB_help)
		offer_verbs(&a, plain[1]);
	else if (!option && last[0] != '-' && v)
		offer_operand(&a, v, n_plain - used);
	fwrite(a.out.p ? a.out.p : "", 1, a.out.n, stdout);
	wh_buf_fini(&a.out);
	wh_buf_fini(&why);
	return 0;
}
