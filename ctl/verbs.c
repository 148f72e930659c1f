/* SPDX-License-Identifier: MIT */
/*
 * The tables of verbs and options, and the search in them.
 *
 * cli.c, help.c and complete.c ask. It never looks at argv itself and prints
 * nothing.
 */
#include "ctl/verbs.h"

#define NEAR 3 /* edits up to which a name is "near" */

const struct wh_verb wh_verbs[WH_VERB_COUNT] = {
#define WH_CMD(command, method, verb, role, flags, result, text)                               \
	[WH_VERB_##command].id = WH_VERB_##command, [WH_VERB_##command].name = verb,           \
	[WH_VERB_##command].cmd = &wh_commands[WH_CMD_##command],                              \
	[WH_VERB_##command].help = text,
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
#define WH_LOCAL(local, verb, text)                                                            \
	[WH_VERB_##local].id = WH_VERB_##local, [WH_VERB_##local].name = verb,                 \
	[WH_VERB_##local].help = text,
#define WH_TRAIT(verb, words, least, most, sum)                                                \
	[WH_VERB_##verb].operands = words, [WH_VERB_##verb].min = least,                       \
	[WH_VERB_##verb].max = most, [WH_VERB_##verb].scopes = sum,
#include "ctl/verbs.def"
#undef WH_TRAIT
#undef WH_LOCAL
};

const struct wh_option_info wh_options[WH_OPTION_COUNT] = {
#define WH_OPTION(id, letter, kind, scope, value, help)                                        \
	{#id, letter, WH_OPTION_##kind, WH_SCOPE_##scope, value, help},
#include "ctl/options.def"
#undef WH_OPTION
};

static const struct {
	const char *alias, *verb;
} aliases[] = {
#define WH_ALIAS(alias, verb) {alias, verb},
#include "ctl/verbs.def"
#undef WH_ALIAS
};

static const char *
unaliased(const char *word)
{
	for (size_t i = 0; i < wh_array_len(aliases); i++)
		if (strcmp(word, aliases[i].alias) == 0)
			return aliases[i].verb;
	return word;
}

/* The first or second word of a verb's name; empty if there is none. */
static struct wh_str
name_word(const struct wh_verb *v, int which)
{
	const char *space = strchr(v->name, ' ');

	if (which == 0)
		return wh_str(v->name, space ? (size_t)(space - v->name) : strlen(v->name));
	return wh_str_c(space ? space + 1 : NULL);
}

static bool
has_prefix(struct wh_str s, struct wh_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* True if v is a verb whose first word is `first` (any if that is empty). */
static bool
in_group(const struct wh_verb *v, struct wh_str first)
{
	return *v->name && (!first.n || wh_str_eq(name_word(v, 0), first));
}

enum match { MATCH_ONE, MATCH_NONE, MATCH_MANY };

/* Which verb words at place `which`, within the group, does `word` mean? An empty one, such as
 * of a variable that a script forgot to set, begins all of them and means none. */
static enum match
match_word(struct wh_str word, struct wh_str group, int which, struct wh_str *ret)
{
	enum match found = MATCH_NONE;

	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		struct wh_str name = name_word(&wh_verbs[i], which);

		if (!in_group(&wh_verbs[i], group) || !name.n || !word.n ||
		    !has_prefix(name, word))
			continue;
		if (name.n == word.n) {
			*ret = name;
			return MATCH_ONE;
		}
		if (found == MATCH_ONE && !wh_str_eq(name, *ret))
			found = MATCH_MANY;
		if (found == MATCH_NONE) {
			*ret = name;
			found = MATCH_ONE;
		}
	}
	return found;
}

static const struct wh_verb *
verb_named(struct wh_str first, struct wh_str second)
{
	for (size_t i = 0; i < WH_VERB_COUNT; i++)
		if (in_group(&wh_verbs[i], first) &&
		    wh_str_eq(name_word(&wh_verbs[i], 1), second))
			return &wh_verbs[i];
	return NULL;
}

/* "a, b or c": the words at place `which` of the group that begin with prefix. */
static void
list_words(struct wh_buf *out, struct wh_str group, int which, struct wh_str prefix)
{
	struct wh_str last = WH_STR_NULL;

	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		struct wh_str name = name_word(&wh_verbs[i], which);

		if (!in_group(&wh_verbs[i], group) || !name.n || !has_prefix(name, prefix) ||
		    wh_str_eq(name, last))
			continue;
		wh_buf_printf(out, "%s%.*s", last.n ? ", " : "", WH_STR_FMT(name));
		last = name;
	}
}

struct nearest {
	struct wh_str wanted, best;
	unsigned distance;
};

static void
consider(struct nearest *n, struct wh_str name)
{
	unsigned d = wh_edit_distance(n->wanted, name, NEAR + 1);

	/* A short word is near to everything: at most half of it may differ. */
	if (d > NEAR || d >= n->distance || d * 2 > n->wanted.n)
		return;
	n->distance = d;
	n->best = name;
}

static int
refuse_word(struct wh_str word, struct wh_str group, enum match found, struct wh_buf *why)
{
	int which = group.n ? 1 : 0;
	struct nearest near = {word, WH_STR_NULL, NEAR + 1};

	wh_buf_printf(why, "\"%.*s\" is %s", WH_STR_FMT(word),
		      found == MATCH_MANY ? "ambiguous: " : "no verb of whctl");
	if (found == MATCH_MANY) {
		list_words(why, group, which, word);
		return WH_EINVAL;
	}
	if (group.n)
		wh_buf_printf(why, " %.*s", WH_STR_FMT(group));
	for (size_t i = 0; i < WH_VERB_COUNT; i++)
		if (in_group(&wh_verbs[i], group) && name_word(&wh_verbs[i], which).n)
			consider(&near, name_word(&wh_verbs[i], which));
	if (near.best.n)
		wh_buf_printf(why, ": did you mean %.*s?", WH_STR_FMT(near.best));
	else
		wh_buf_c(why, ": see whctl help");
	return WH_EINVAL;
}

int
wh_verb_find(const char *const *words, size_t n, const struct wh_verb **ret, size_t *ret_used,
	     struct wh_buf *why)
{
	struct wh_str first, second;

	if (n == 0) {
		wh_buf_c(why, "no verb given: see whctl help");
		return WH_EINVAL;
	}
	struct wh_str word = wh_str_c(unaliased(words[0]));
	enum match found = match_word(word, WH_STR_NULL, 0, &first);

	if (found != MATCH_ONE)
		return refuse_word(word, WH_STR_NULL, found, why);
	*ret_used = 1;
	*ret = verb_named(first, WH_STR_NULL);
	if (n > 1) {
		enum match more = match_word(wh_str_c(words[1]), first, 1, &second);

		if (more == MATCH_ONE) {
			*ret_used = 2;
			*ret = verb_named(first, second);
		} else if (!*ret) {
			return refuse_word(wh_str_c(words[1]), first, more, why);
		}
	}
	if (*ret)
		return 0;
	wh_buf_printf(why, "\"%.*s\" needs one of: ", WH_STR_FMT(first));
	list_words(why, first, 1, WH_STR_NULL);
	return WH_EINVAL;
}

static size_t
required_args(const struct wh_verb *v)
{
	size_t n = 0;

	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++)
		n += v->cmd->args[i].required;
	return n;
}

size_t
wh_verb_min_words(const struct wh_verb *v)
{
	return v->operands ? v->min : required_args(v);
}

size_t
wh_verb_max_words(const struct wh_verb *v)
{
	return v->operands ? v->max : required_args(v);
}

bool
wh_verb_takes(const struct wh_verb *v, enum wh_option option)
{
	unsigned scope = wh_options[option].scope;

	return scope == WH_SCOPE_ANY || (v && (v->scopes & scope));
}

/* Parameters that whctl fills in by itself, or takes in a handier way. */
static const struct {
	enum wh_verb_id verb;
	const char *arg;
} filled[] = {
	{WH_VERB_webhook_list, "limit"},
	{WH_VERB_webhook_list, "cursor"},
	{WH_VERB_queue_list, "limit"},
	{WH_VERB_queue_list, "cursor"},
	{WH_VERB_history_list, "limit"},
	{WH_VERB_history_list, "cursor"},
	{WH_VERB_store_backup, "path"},
	{WH_VERB_webhook_update, "set"},
	{WH_VERB_webhook_update, "add_processes"},
	{WH_VERB_webhook_update, "remove_processes"},
};

bool
wh_verb_arg_is_option(const struct wh_verb *v, const struct wh_arg_info *arg)
{
	for (size_t i = 0; i < wh_array_len(filled); i++)
		if (filled[i].verb == v->id && strcmp(filled[i].arg, arg->name) == 0)
			return false;
	/* How long to wait is said by --timeout, for every verb. */
	return !arg->required && strcmp(arg->name, "timeout_ms") != 0;
}

void
wh_verb_arg_name(struct wh_buf *out, const struct wh_arg_info *arg)
{
	enum wh_field f = wh_field_by_name(wh_str_c(arg->name));

	if (f != WH_F_COUNT) {
		wh_buf_c(out, wh_fields[f].option);
		return;
	}
	for (const char *p = arg->name; *p; p++)
		wh_buf_byte(out, *p == '_' ? '-' : *p);
}

static bool
same_name(struct wh_str a, const char *b)
{
	if (a.n != strlen(b))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if ((a.p[i] == '-' ? '_' : a.p[i]) != b[i])
			return false;
	return true;
}

const struct wh_arg_info *
wh_verb_arg(const struct wh_verb *v, struct wh_str name)
{
	enum wh_field f = wh_field_by_option(name);

	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++) {
		const struct wh_arg_info *arg = &v->cmd->args[i];

		if (!wh_verb_arg_is_option(v, arg))
			continue;
		if (same_name(name, arg->name))
			return arg;
		if (f != WH_F_COUNT && strcmp(arg->name, wh_fields[f].name) == 0)
			return arg;
	}
	return NULL;
}

enum wh_field
wh_field_by_option(struct wh_str name)
{
	for (size_t i = 0; i < WH_F_COUNT; i++)
		if (wh_str_is(name, wh_fields[i].option))
			return (enum wh_field)i;
	return WH_F_COUNT;
}

enum wh_option
wh_option_by_name(struct wh_str name)
{
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (same_name(name, wh_options[i].name))
			return (enum wh_option)i;
	return WH_OPTION_COUNT;
}

enum wh_option
wh_option_by_letter(char letter)
{
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (letter && wh_options[i].letter == letter)
			return (enum wh_option)i;
	return WH_OPTION_COUNT;
}

static void
consider_args(struct nearest *near, const struct wh_verb *v, struct wh_buf names[])
{
	for (size_t i = 0; i < v->cmd->n_args; i++) {
		if (!wh_verb_arg_is_option(v, &v->cmd->args[i]))
			continue;
		wh_verb_arg_name(&names[i], &v->cmd->args[i]);
		consider(near, wh_buf_view(&names[i]));
	}
}

#define ARGS_MAX 32 /* parameters of one method */

void
wh_verb_suggest_option(struct wh_buf *why, const struct wh_verb *v, struct wh_str name)
{
	struct nearest near = {name, WH_STR_NULL, NEAR + 1};
	struct wh_buf names[ARGS_MAX] = {WH_BUF_NULL};

	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (wh_verb_takes(v, (enum wh_option)i))
			consider(&near, wh_str_c(wh_options[i].name));
	if (v && v->cmd && v->cmd->n_args <= ARGS_MAX)
		consider_args(&near, v, names);
	for (size_t i = 0; v && (v->scopes & WH_SCOPE_INPUT) && i < WH_F_COUNT; i++)
		consider(&near, wh_str_c(wh_fields[i].option));
	if (near.best.n)
		wh_buf_c(why, ": did you mean --");
	for (size_t i = 0; i < near.best.n; i++)
		wh_buf_byte(why, near.best.p[i] == '_' ? '-' : near.best.p[i]);
	if (near.best.n)
		wh_buf_byte(why, '?');
	for (size_t i = 0; i < ARGS_MAX; i++)
		wh_buf_fini(&names[i]);
}
