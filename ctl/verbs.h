/* SPDX-License-Identifier: MIT */
/*
 * The verbs of whctl and the options each takes: what follows from
 * proto/commands.def, verbs.def and options.def. Pure lookups.
 */
#pragma once

#include "proto/command.h"
#include "proto/record.h"

enum wh_verb_id {
#define WH_CMD(id, method, verb, role, flags, result, help) WH_VERB_##id,
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
#define WH_LOCAL(id, verb, help) WH_VERB_##id,
#include "ctl/verbs.def"
#undef WH_LOCAL
	WH_VERB_COUNT
};

enum wh_scope {
	WH_SCOPE_NONE = 0,
	WH_SCOPE_WAIT = 1,   /* --wait */
	WH_SCOPE_INPUT = 2,  /* -f, and the members of a webhook as options */
	WH_SCOPE_YES = 4,    /* --yes */
	WH_SCOPE_STATUS = 8, /* --watch, --check */
	WH_SCOPE_FOR = 16,   /* --for */
	WH_SCOPE_LIMIT = 32, /* --limit */
	WH_SCOPE_ANY = 64,
};

struct wh_verb {
	enum wh_verb_id id;
	const char *name;              /* one or two words; "" = a method without a verb */
	const struct wh_cmd_info *cmd; /* NULL for a local verb */
	const char *help;
	const char *operands; /* NULL = the required parameters */
	size_t min, max;      /* of words after the verb, if operands is set */
	unsigned scopes;      /* enum wh_scope */
};

extern const struct wh_verb wh_verbs[WH_VERB_COUNT];

enum wh_option {
#define WH_OPTION(id, letter, kind, scope, value, help) WH_OPTION_##id,
#include "ctl/options.def"
#undef WH_OPTION
	WH_OPTION_COUNT
};

enum wh_option_kind { WH_OPTION_FLAG, WH_OPTION_VALUE, WH_OPTION_MAYBE };

struct wh_option_info {
	const char *name; /* without dashes in front */
	char letter;
	enum wh_option_kind kind;
	unsigned scope;
	const char *value;
	const char *help;
};

extern const struct wh_option_info wh_options[WH_OPTION_COUNT];

/*
 * Finds the verb in the first n words: exactly, by alias, or by unique
 * prefixes of its words. *ret_used is how many words it took. 0, or WH_EINVAL
 * with a sentence in why (unknown, ambiguous, incomplete).
 */
WH_MUST_USE int wh_verb_find(const char *const *words, size_t n, const struct wh_verb **ret,
			     size_t *ret_used, struct wh_buf *why);
/* How many words after the verb there must and may be. */
size_t wh_verb_min_words(const struct wh_verb *v);
size_t wh_verb_max_words(const struct wh_verb *v);
/* True if the verb takes this option. */
bool wh_verb_takes(const struct wh_verb *v, enum wh_option option);
/* True if a parameter of the verb's method is an option of the verb: it is not
 * if it is a word, or given in another way (cursor, members of a webhook). */
bool wh_verb_arg_is_option(const struct wh_verb *v, const struct wh_arg_info *arg);
/* The parameter called name on the command line (dashes or underscores, or the
 * short name of a member of a webhook), or NULL. */
const struct wh_arg_info *wh_verb_arg(const struct wh_verb *v, struct wh_str name);
/* How the parameter is called on the command line, without dashes in front. */
void wh_verb_arg_name(struct wh_buf *out, const struct wh_arg_info *arg);
/* The member of a webhook whose option has this name; WH_F_COUNT if none. */
enum wh_field wh_field_by_option(struct wh_str name);
/* The option with this long name, or this letter; WH_OPTION_COUNT if none. */
enum wh_option wh_option_by_name(struct wh_str name);
enum wh_option wh_option_by_letter(char letter);
/* Adds ": did you mean X" if one of the names the verb takes (NULL: the
 * options any verb takes) is near. */
void wh_verb_suggest_option(struct wh_buf *why, const struct wh_verb *v, struct wh_str name);
