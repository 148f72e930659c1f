/* SPDX-License-Identifier: MIT */
/*
 * Completion: the scripts of the shells, which only hand the words to
 * `whctl --complete-args`, and the answer to that.
 *
 * Called by main.c. Each candidate is a line: the word, and after a tab what
 * it is. Ids come from whd; whatever goes wrong, it is silent and quick,
 * because a person is typing.
 */
#include "ctl/ctl.h"
#include "ctl/escape.h"

#define PATIENCE 150  /* ms for an answer of whd */
#define TOTAL_MAX 500 /* ms for all pages of a list */
#define PAGE 1000
#define PAGES_MAX 50
#define ENOUGH 200 /* ids, if a further one changes nothing */

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
	const char *socket;   /* of whd, as given on the line; NULL = not given */
	struct wh_buf out;
};

static bool
continues(struct wh_str word, struct wh_str prefix)
{
	return word.n >= prefix.n && memcmp(word.p, prefix.p, prefix.n) == 0;
}

static void
offer(struct asked *a, struct wh_str word, struct wh_str help)
{
	if (!continues(word, a->prefix))
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

/* Ids as they come in pages. */
struct ids {
	struct asked *asked;
	const char *id, *help; /* members of an item */
	int64_t end;           /* monotonic ms */
	size_t seen, offered;
	struct wh_buf common; /* what all that were offered begin with */
};

/*
 * A shell types for the user what all that is offered begins with: it may not
 * be more than what all there are begin with.
 */
static bool
is_enough(const struct ids *ids)
{
	return ids->offered >= ENOUGH && ids->common.n <= ids->asked->prefix.n;
}

static void
note_common(struct ids *ids, struct wh_str word)
{
	size_t n = 0;

	if (ids->offered++ == 0)
		wh_buf_str(&ids->common, word);
	while (n < word.n && n < ids->common.n && word.p[n] == ids->common.p[n])
		n++;
	ids->common.n = n;
}

static int
offer_id(struct whc *c, struct whc_object *item, void *arg)
{
	struct ids *ids = arg;
	const char *word = whc_str(item, ids->id);

	(void)c;
	if (word && is_harmless(word) && continues(wh_str_c(word), ids->asked->prefix)) {
		offer(ids->asked, wh_str_c(word), wh_str_c(whc_str(item, ids->help)));
		note_common(ids, wh_str_c(word));
	}
	return ++ids->seen == PAGE * PAGES_MAX || is_enough(ids) || wh_ctl_now() >= ids->end;
}

/* Ids of what a method lists, each with another member as its help. */
static void
offer_ids(struct asked *a, const char *method, const char *id, const char *help)
{
	struct ids ids = {a, id, help, wh_ctl_now() + TOTAL_MAX, 0, 0, WH_BUF_NULL};
	struct wh_params p;
	struct whc *c = NULL;

	wh_params_begin(&p);
	wh_params_int(&p, "limit", PAGE);
	struct wh_str params = wh_params_end(&p);

	if (whc_open(&c, a->socket, 0) == 0 && whc_set_timeout(c, PATIENCE) == 0)
		(void)whc_call_paged(c, method, (struct whc_bytes){params.p, params.n},
				     offer_id, &ids);
	(void)whc_close(c);
	wh_params_fini(&p);
	wh_buf_fini(&ids.common);
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

static void
offer_word(struct asked *a, const struct wh_cli *cli, const char *const leading[2], size_t n)
{
	if (n < 2)
		offer_verbs(a, leading[0]);
	if (cli->verb && cli->verb->id == WH_VERB_help)
		offer_verbs(a, leading[1]);
	else if (cli->verb)
		offer_operand(a, cli->verb, cli->n_words);
}

int
wh_complete(int argc, char *const *argv)
{
	const char *last = argc > 1 ? argv[argc - 1] : "";
	int before = argc > 1 ? argc - 1 : argc;
	const char *leading[2] = {NULL, NULL};
	struct wh_buf why = WH_BUF_NULL;
	struct wh_cli cli;
	int at[2];
	size_t n = wh_cli_leading(before, argv, leading, at);

	/* A line under way need not be right: what is read of it counts. */
	(void)!wh_cli_parse(before, argv, &cli, &why);
	struct asked a = {wh_str_c(last), cli.options[WH_OPTION_socket], WH_BUF_NULL};
	const char *option = value_option(cli.verb, before > 1 ? argv[before - 1] : NULL);

	if (option)
		offer_value(&a, option);
	else if (last[0] == '-')
		offer_options(&a, cli.verb);
	else
		offer_word(&a, &cli, leading, n);
	fwrite(a.out.p ? a.out.p : "", 1, a.out.n, stdout);
	wh_buf_fini(&a.out);
	wh_buf_fini(&why);
	wh_cli_fini(&cli);
	return 0;
}
