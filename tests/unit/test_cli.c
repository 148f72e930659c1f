/* SPDX-License-Identifier: MIT */
/*
 * ctl/cli.c, ctl/verbs.c and ctl/params.c: command lines as people type them,
 * what is made of them, and what is said of wrong ones.
 */
#include "tests/unit/rows.h"

#include "ctl/cli.h"

#define ARGV_MAX 24

/* A command line split at blanks; "whctl" goes before it. */
struct line {
	char *text;
	char *argv[ARGV_MAX];
	int argc;
};

static void
split(struct line *l, const char *text)
{
	*l = (struct line){.text = wh_xstrdup(wh_str_c(text))};
	char *rest = *text ? l->text : NULL;

	l->argv[l->argc++] = l->text + strlen(text);
	while (rest && l->argc + 1 < ARGV_MAX)
		l->argv[l->argc++] = strsep(&rest, " ");
}

/* ---- verbs and words ---- */

static const struct {
	const char *line, *verb, *words;
} verb_rows[] = {
	{"list", "list", ""},
	{"ls", "list", ""},
	{"li", "list", ""},
	{"rm 1 2 3", "delete", "1 2 3"},
	{"queue list", "queue list", ""},
	{"q l", "queue list", ""},
	{"q get x", "queue get", "x"},
	{"q resolve x mine", "queue resolve", "x mine"},
	{"sync", "sync", ""},
	{"sync accept", "sync accept", ""},
	{"sync a", "sync accept", ""},
	{"config show", "config show", ""},
	{"conf re", "config reload", ""},
	{"st", "status", ""},
	{"-s /x list", "list", ""},
	{"--socket /x queue --json list", "queue list", ""},
	{"--socket=/x get 1", "get", "1"},
	{"get -- -1", "get", "-1"},
	{"get 1 --json", "get", "1"},
	{"-qo json get 1", "get", "1"},
	{"-ojson get 1", "get", "1"},
	{"create", "create", ""},
	{"update 1 {}", "update", "1 {}"},
	{"rpc status -", "rpc", "status -"},
	{"log debug", "log", "debug"},
	{"wait synced", "wait", "synced"},
	{"wait whid=1 --for exists", "wait", "whid=1"},
	{"help queue list", "help", "queue list"},
	{"--help list", "list", ""},
	{"get --help", "get", ""},
	{"--help", NULL, ""},
	{"--version", NULL, ""},
	{"queue --help", NULL, "queue"},
	{"quark -h", NULL, "quark"},
};

static void
verbs_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(verb_rows); i++) {
		const char *what = verb_rows[i].line;
		struct wh_buf why = WH_BUF_NULL, words = WH_BUF_NULL;
		struct wh_cli cli;
		struct line l;

		split(&l, what);
		check(what, wh_cli_parse(l.argc, l.argv, &cli, &why) == 0);
		check(what, !cli.verb == !verb_rows[i].verb);
		check(what, !cli.verb || strcmp(cli.verb->name, verb_rows[i].verb) == 0);
		for (size_t w = 0; w < cli.n_words; w++)
			wh_buf_printf(&words, "%s%s", w ? " " : "", cli.words[w]);
		check(what, wh_str_is(wh_buf_view(&words), verb_rows[i].words));
		wh_cli_fini(&cli);
		wh_buf_fini(&words);
		wh_buf_fini(&why);
		free(l.text);
	}
}

/* ---- what is refused ---- */

static const struct {
	const char *line, *why;
} refuse_rows[] = {
	{"", "no verb given"},
	{"--json", "no verb given"},
	{"lst", "did you mean list?"},
	{"lsit", "did you mean list?"},
	{"xyzzy", "see whctl help"},
	{"c", "ambiguous: create, check, config, completion"},
	{"s", "ambiguous: sync, status"},
	{"queue",
	 "needs one of: list, get, wait, retry, cancel, hold, release, resolve, flush"},
	{"queue re x", "ambiguous: retry, release, resolve"},
	{"queue canzel x", "no verb of whctl queue: did you mean cancel?"},
	{"config", "needs one of: show, reload"},
	{"get", "whctl get needs whid"},
	{"get 1 2", "does not take \"2\""},
	{"queue resolve x", "whctl queue resolve needs take"},
	{"list 1", "does not take \"1\""},
	{"delete", "needs WHID..."},
	{"rpc", "needs METHOD [JSON|-]"},
	{"list --nmae x", "did you mean --name?"},
	{"list --colour x", "did you mean --color?"},
	{"list --frob", "--frob is no option of whctl list"},
	{"--frob list", "--frob is no option"},
	{"list --cursor x", "--cursor is no option of whctl list"},
	{"list -x", "-x is no option"},
	{"list --name", "--name needs a value"},
	{"list -s", "-s needs a value"},
	{"list --json=1", "--json takes no value"},
	{"list --pending=yes", "--pending takes no value"},
	{"list --no-name x", "--no-name is no option"},
	{"list --wait", "--wait is not for list"},
	{"list --yes", "--yes is not for list"},
	{"get 1 --limit 5", "--limit is not for get"},
	{"list -f x", "-f is not for list"},
	{"update 1 --set {}", "--set is no option"},
	{"queue -s -h", "needs one of: list"},
	{"-s --help frob", "no verb of whctl"},
	{"queue get x --request-id y", "--request-id is no option"},
};

static void
wrong_lines_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(refuse_rows); i++) {
		const char *what = refuse_rows[i].line;
		struct wh_buf why = WH_BUF_NULL;
		struct wh_cli cli;
		struct line l;

		split(&l, what);
		check(what, wh_cli_parse(l.argc, l.argv, &cli, &why) == WH_EINVAL);
		if (!says(&why, refuse_rows[i].why))
			fail_msg("%s: says: %.*s", what, WH_STR_FMT(wh_buf_view(&why)));
		wh_cli_fini(&cli);
		wh_buf_fini(&why);
		free(l.text);
	}
}

/* ---- parameters ---- */

static const struct {
	const char *line, *params;
} params_rows[] = {
	{"list", "{}"},
	{"list --name a --app 7", "{'whname': 'a', 'applicationId': '7'}"},
	{"list --whname a", "{'whname': 'a'}"},
	{"list --municipality=0351 --url u --process p",
	 "{'municipalityId': '0351', 'callbackUrl': 'u', 'process': 'p'}"},
	{"list --pending", "{'pending': true}"},
	{"list --no-pending", "{'pending': false}"},
	{"list --pending --no-pending", "{'pending': false}"},
	{"list --max-age 5s --view confirmed", "{'max_age': 5000, 'view': 'confirmed'}"},
	{"list --max_age 500ms", "{'max_age': 500}"},
	{"list --name a --name b", "{'whname': 'b'}"},
	{"list --limit 5", "{}"},
	{"get 42", "{'whid': '42'}"},
	{"get 42 --max-age=10min", "{'whid': '42', 'max_age': 600000}"},
	{"queue resolve x adopt --whid 7", "{'op': 'x', 'take': 'adopt', 'whid': '7'}"},
	{"queue cancel x --cascade", "{'op': 'x', 'cascade': true}"},
	{"history --since 17", "{'since': 17}"},
	{"history --since -1", "{'since': -1}"},
	{"log debug", "{'level': 'debug'}"},
	{"create --no-queue --dry-run --allow-duplicate --request-id r",
	 "{'queue': false, 'dry_run': true, 'allow_duplicate': true, 'request_id': 'r'}"},
	{"create --name n --process p", "{}"},
	{"update 42 --policy manual --if-revision 5 --process +P --process -Q",
	 "{'policy': 'manual', 'if_revision': 5}"},
	{"delete 1 2 --force", "{'force': true}"},
	{"wait synced --revision 9", "{'revision': 9}"},
};

static void
parameters_have_their_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(params_rows); i++) {
		const char *what = params_rows[i].line;
		struct row_tree want = row_tree(params_rows[i].params);
		struct wh_buf why = WH_BUF_NULL;
		struct wh_params p;
		struct wh_tree got;
		struct wh_cli cli;
		struct line l;

		split(&l, what);
		wh_params_begin(&p);
		check(what, wh_cli_parse(l.argc, l.argv, &cli, &why) == 0);
		check(what, wh_cli_params(&cli, &p, &why) == 0);
		check(what, wh_unpack(&got, wh_params_end(&p), NULL) == 0);
		check(what, wh_obj_eq(&want.tree.root, &got.root));
		wh_tree_fini(&got);
		wh_params_fini(&p);
		wh_cli_fini(&cli);
		wh_buf_fini(&why);
		row_tree_fini(&want);
		free(l.text);
	}
}

static const struct {
	const char *line, *why;
} value_rows[] = {
	{"list --max-age 5", "max_age \"5\" is not a duration: write 500ms"},
	{"list --max-age 5m", "is not a duration"},
	{"list --max-age -5s", "is not a duration"},
	{"list --max-age s", "is not a duration"},
	{"list --max-age 9223372036854775807h", "is not a duration"},
	{"history --since yesterday", "since \"yesterday\" is not a whole number"},
	{"update 1 --if-revision 1.5", "if_revision \"1.5\" is not a whole number"},
};

static void
wrong_values_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(value_rows); i++) {
		const char *what = value_rows[i].line;
		struct wh_buf why = WH_BUF_NULL;
		struct wh_params p;
		struct wh_cli cli;
		struct line l;

		split(&l, what);
		wh_params_begin(&p);
		check(what, wh_cli_parse(l.argc, l.argv, &cli, &why) == 0);
		check(what, wh_cli_params(&cli, &p, &why) == WH_EINVAL);
		check(what, says(&why, value_rows[i].why));
		wh_params_fini(&p);
		wh_cli_fini(&cli);
		wh_buf_fini(&why);
		free(l.text);
	}
}

/* ---- fields of a webhook ---- */

static void
members_are_gathered_in_order(void **state)
{
	static const char text[] = "update 1 --process +P --comment c --process=-Q --name n";
	static const struct {
		enum wh_field field;
		const char *value;
	} want[] = {{WH_F_PROCESSES, "+P"},
		    {WH_F_WHCOMMENT, "c"},
		    {WH_F_PROCESSES, "-Q"},
		    {WH_F_WHNAME, "n"}};
	struct wh_buf why = WH_BUF_NULL;
	struct wh_cli cli;
	struct line l;

	(void)state;
	split(&l, text);
	check(text, wh_cli_parse(l.argc, l.argv, &cli, &why) == 0);
	check(text, cli.n_fields == wh_array_len(want));
	for (size_t i = 0; i < wh_array_len(want); i++)
		check(want[i].value, cli.fields[i].field == want[i].field &&
					     strcmp(cli.fields[i].value, want[i].value) == 0);
	wh_cli_fini(&cli);
	wh_buf_fini(&why);
	free(l.text);
}

/* Each optional parameter of each verb can be given, under one name. */
static void
every_parameter_has_an_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		const struct wh_verb *v = &wh_verbs[i];

		for (size_t a = 0; *v->name && v->cmd && a < v->cmd->n_args; a++) {
			const struct wh_arg_info *arg = &v->cmd->args[a];
			struct wh_buf name = WH_BUF_NULL;

			wh_verb_arg_name(&name, arg);
			if (wh_verb_arg_is_option(v, arg))
				check(arg->name, wh_verb_arg(v, wh_buf_view(&name)) == arg);
			check(arg->name,
			      wh_option_by_name(wh_buf_view(&name)) == WH_OPTION_COUNT ||
				      strcmp(arg->name, "limit") == 0);
			wh_buf_fini(&name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_are_found),
		cmocka_unit_test(wrong_lines_are_refused),
		cmocka_unit_test(parameters_have_their_types),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(members_are_gathered_in_order),
		cmocka_unit_test(every_parameter_has_an_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
