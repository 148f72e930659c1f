/* SPDX-License-Identifier: MIT */
/*
 * From argv to verb, words and options, by table.
 *
 * main.c calls it once, before anything else. It prints nothing, connects to
 * nothing and ends nothing: what is wrong becomes a sentence.
 */
#include <stdlib.h>

#include "ctl/cli.h"

/* Where the walk over argv is. */
struct walk {
	int argc;
	char *const *argv;
	int at;
	bool only_words; /* after -- */
	struct wh_cli *cli;
	struct wh_buf *why;
};

/* An option as typed: --name, --name=value or -xvalue. */
struct typed {
	struct wh_str name;
	const char *value; /* behind = or the letter; NULL = none */
	bool letter;
};

static bool
looks_like_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

static struct typed
split_option(const char *arg)
{
	if (arg[1] != '-')
		return (struct typed){wh_str(arg + 1, 1), arg[2] ? arg + 2 : NULL, true};
	const char *name = arg + 2;
	const char *equals = strchr(name, '=');

	if (equals)
		return (struct typed){wh_str(name, (size_t)(equals - name)), equals + 1, false};
	return (struct typed){wh_str_c(name), NULL, false};
}

/* Flags by letter may stand together: -qy is -q -y. */
static struct typed
next_letter(const struct typed *t)
{
	return (struct typed){wh_str(t->value, 1), t->value[1] ? t->value + 1 : NULL, true};
}

static enum wh_option
find_option(const struct typed *t)
{
	return t->letter ? wh_option_by_letter(t->name.p[0]) : wh_option_by_name(t->name);
}

/* True if the option takes the argument behind it as its value. */
static bool
takes_next(const char *arg)
{
	struct typed t = split_option(arg);
	enum wh_option o = find_option(&t);

	while (t.letter && t.value && o != WH_OPTION_COUNT &&
	       wh_options[o].kind == WH_OPTION_FLAG) {
		t = next_letter(&t);
		o = find_option(&t);
	}
	return o != WH_OPTION_COUNT && wh_options[o].kind == WH_OPTION_VALUE && !t.value;
}

size_t
wh_cli_leading(int argc, char *const *argv, const char *ret[2], int ret_at[2])
{
	size_t n = 0;

	for (int i = 1; i < argc && n < 2 && strcmp(argv[i], "--") != 0; i++) {
		if (looks_like_option(argv[i])) {
			i += takes_next(argv[i]);
			continue;
		}
		ret_at[n] = i;
		ret[n++] = argv[i];
	}
	return n;
}

static int
refuse(const struct walk *w, const struct typed *t, const char *what)
{
	wh_buf_printf(w->why, "%s%.*s %s", t->letter ? "-" : "--", WH_STR_FMT(t->name), what);
	return WH_EINVAL;
}

/* The value of an option that needs one: behind it, or the next word. */
static int
take_value(struct walk *w, const struct typed *t, const char **ret)
{
	*ret = t->value;
	if (*ret)
		return 0;
	if (w->at + 1 >= w->argc)
		return refuse(w, t, "needs a value");
	*ret = w->argv[++w->at];
	return 0;
}

static int
take_option(struct walk *w, const struct typed *t, enum wh_option o)
{
	const struct wh_option_info *info = &wh_options[o];
	const char *value = t->value ? t->value : "";

	if (!wh_verb_takes(w->cli->verb, o)) {
		refuse(w, t, "is not for ");
		wh_buf_c(w->why, w->cli->verb ? w->cli->verb->name : "this");
		return WH_EINVAL;
	}
	if (info->kind == WH_OPTION_FLAG && t->value)
		return refuse(w, t, "takes no value");
	if (info->kind == WH_OPTION_VALUE && take_value(w, t, &value))
		return WH_EINVAL;
	w->cli->options[o] = value;
	return 0;
}

static int
take_arg(struct walk *w, const struct typed *t, const struct wh_arg_info *info)
{
	struct wh_cli_arg *arg = &w->cli->args[w->cli->n_args];

	*arg = (struct wh_cli_arg){.info = info};
	if (info->type == WH_ARG_BOOL && t->value)
		return refuse(w, t, "takes no value");
	if (info->type != WH_ARG_BOOL && take_value(w, t, &arg->value))
		return WH_EINVAL;
	w->cli->n_args++;
	return 0;
}

static int
take_field(struct walk *w, const struct typed *t, enum wh_field f)
{
	struct wh_cli_field *field = &w->cli->fields[w->cli->n_fields];

	field->field = f;
	if (take_value(w, t, &field->value))
		return WH_EINVAL;
	w->cli->n_fields++;
	return 0;
}

/* --no-NAME of a parameter that is true or false. */
static const struct wh_arg_info *
negated_arg(const struct wh_verb *v, struct wh_str name)
{
	if (name.n <= 3 || memcmp(name.p, "no-", 3) != 0)
		return NULL;
	const struct wh_arg_info *arg = wh_verb_arg(v, wh_str(name.p + 3, name.n - 3));

	return arg && arg->type == WH_ARG_BOOL ? arg : NULL;
}

static int
take_named(struct walk *w, const struct typed *t)
{
	const struct wh_verb *v = w->cli->verb;
	enum wh_field f = wh_field_by_option(t->name);

	if (v && (v->scopes & WH_SCOPE_INPUT) && f != WH_F_COUNT)
		return take_field(w, t, f);
	const struct wh_arg_info *arg = v ? wh_verb_arg(v, t->name) : NULL;

	if (arg)
		return take_arg(w, t, arg);
	arg = v ? negated_arg(v, t->name) : NULL;
	if (arg && take_arg(w, t, arg))
		return WH_EINVAL;
	if (arg) {
		w->cli->args[w->cli->n_args - 1].negated = true;
		return 0;
	}
	refuse(w, t, "is no option");
	if (v)
		wh_buf_printf(w->why, " of whctl %s", v->name);
	wh_verb_suggest_option(w->why, v, t->name);
	return WH_EINVAL;
}

/* One argument that begins with a dash. */
static int
take_dashed(struct walk *w)
{
	const char *arg = w->argv[w->at];
	struct typed t = split_option(arg);
	enum wh_option o = find_option(&t);

	while (t.letter && o != WH_OPTION_COUNT && wh_options[o].kind == WH_OPTION_FLAG &&
	       t.value) {
		struct typed alone = {t.name, NULL, true};

		if (take_option(w, &alone, o))
			return WH_EINVAL;
		t = next_letter(&t);
		o = find_option(&t);
	}
	if (o != WH_OPTION_COUNT)
		return take_option(w, &t, o);
	return t.letter ? refuse(w, &t, "is no option: see whctl help") : take_named(w, &t);
}

static bool
wants_help(const struct wh_cli *cli)
{
	return cli->options[WH_OPTION_help] || cli->options[WH_OPTION_version];
}

static int
check_words(const struct wh_cli *cli, struct wh_buf *why)
{
	const struct wh_verb *v = cli->verb;

	if (cli->n_words < wh_verb_min_words(v)) {
		wh_buf_printf(why, "whctl %s needs ", v->name);
		if (v->operands)
			wh_buf_c(why, v->operands);
		else
			wh_buf_c(why, v->cmd->args[cli->n_words].name);
		return WH_EINVAL;
	}
	if (cli->n_words <= wh_verb_max_words(v))
		return 0;
	wh_buf_printf(why, "whctl %s does not take \"%s\"", v->name,
		      cli->words[wh_verb_max_words(v)]);
	return WH_EINVAL;
}

static int
walk_all(struct walk *w, const int verb_at[2], size_t verb_words)
{
	for (w->at = 1; w->at < w->argc; w->at++) {
		const char *arg = w->argv[w->at];

		if ((verb_words > 0 && w->at == verb_at[0]) ||
		    (verb_words > 1 && w->at == verb_at[1]))
			continue;
		if (!w->only_words && strcmp(arg, "--") == 0)
			w->only_words = true;
		else if (w->only_words || !looks_like_option(arg))
			w->cli->words[w->cli->n_words++] = arg;
		else if (take_dashed(w))
			return WH_EINVAL;
	}
	return 0;
}

static bool
has_help(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
		    strcmp(argv[i], "--version") == 0)
			return true;
	return false;
}

int
wh_cli_parse(int argc, char *const *argv, struct wh_cli *ret, struct wh_buf *why)
{
	size_t room = (size_t)argc + 1;
	const char *leading[2] = {NULL};
	int at[2] = {0};
	size_t used = 0;

	*ret = (struct wh_cli){
		.words = wh_xcalloc(room, sizeof(*ret->words)),
		.args = wh_xcalloc(room, sizeof(*ret->args)),
		.fields = wh_xcalloc(room, sizeof(*ret->fields)),
	};
	struct walk w = {.argc = argc, .argv = argv, .cli = ret, .why = why};
	size_t n = wh_cli_leading(argc, argv, leading, at);
	int r = wh_verb_find(leading, n, &ret->verb, &used, why);

	/* "whctl queue --help" names no verb, and need not. */
	if (r && !has_help(argc, argv))
		return r;
	if (r) {
		ret->verb = NULL;
		wh_buf_reset(why);
	}
	r = walk_all(&w, at, r ? 0 : used);
	if (r || wants_help(ret))
		return r;
	/* What looked like --help was the value of an option. */
	if (!ret->verb)
		return wh_verb_find(leading, n, &ret->verb, &used, why);
	return check_words(ret, why);
}

void
wh_cli_fini(struct wh_cli *cli)
{
	free(cli->words);
	free(cli->args);
	free(cli->fields);
	*cli = (struct wh_cli){0};
}
