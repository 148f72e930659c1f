/* SPDX-License-Identifier: MIT */
/*
 * The command line taken apart: verb, words, options. What was typed is
 * borrowed from argv; nothing is interpreted here but names.
 */
#pragma once

#include "ctl/verbs.h"

/* A parameter of the method given as an option. */
struct wh_cli_arg {
	const struct wh_arg_info *info;
	const char *value; /* NULL for a flag */
	bool negated;      /* --no-name */
};

/* A member of a webhook given as an option. */
struct wh_cli_field {
	enum wh_field field;
	const char *value;
};

struct wh_cli {
	const struct wh_verb *verb;
	const char *options[WH_OPTION_COUNT]; /* NULL = not given, "" = without a value */
	const char **words;                   /* after the verb */
	size_t n_words;
	struct wh_cli_arg *args;
	size_t n_args;
	struct wh_cli_field *fields;
	size_t n_fields;
};

/*
 * Takes argv apart. Global options may stand anywhere, those of a verb after
 * it. 0, or WH_EINVAL with a sentence in why; *ret then holds what was read
 * up to there. With --help or --version the words are not counted, and
 * verb is NULL if none was given. Free with wh_cli_fini in any case.
 */
WH_MUST_USE int wh_cli_parse(int argc, char *const *argv, struct wh_cli *ret,
			     struct wh_buf *why);
void wh_cli_fini(struct wh_cli *cli);
/*
 * The first two words of argv that are neither options nor values of global
 * options: what the verb is looked for in. *ret_at holds their places; returns
 * how many there are.
 */
size_t wh_cli_leading(int argc, char *const *argv, const char *ret[2], int ret_at[2]);

/* "500ms", "5s", "10min", "1h" to milliseconds. */
WH_MUST_USE bool wh_duration_parse(const char *text, int64_t *ret);

/* Parameters being packed: one map whose members are counted along. */
struct wh_params {
	struct wh_buf b;
	size_t place, n;
};

void wh_params_begin(struct wh_params *p);
void wh_params_fini(struct wh_params *p);
/* Closes the map; what it returns lives until fini. */
struct wh_str wh_params_end(struct wh_params *p);
void wh_params_str(struct wh_params *p, const char *key, struct wh_str v);
void wh_params_int(struct wh_params *p, const char *key, int64_t v);

/*
 * Adds the method's parameters: the words for the required ones (unless the
 * verb has operands of its own), then the options. Members of a webhook are
 * not among them. 0, or WH_EINVAL with a sentence in why.
 */
WH_MUST_USE int wh_cli_params(const struct wh_cli *cli, struct wh_params *p,
			      struct wh_buf *why);
/* True if this parameter was given as an option, and not last as --no-name. */
bool wh_cli_has(const struct wh_cli *cli, const char *arg);
