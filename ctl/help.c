/* SPDX-License-Identifier: MIT */
/*
 * Help, version and completion scripts: what follows from the tables and needs
 * no whd (version asks one, if there is one).
 *
 * Called by main.c. All text about verbs, parameters and exit statuses comes
 * from the .def files.
 */
#include "ctl/ctl.h"

#define COLUMN 26 /* where the explanation of a name begins */

#ifndef WHD_VERSION
#define WHD_VERSION "unknown"
#endif

static void
print_row(FILE *file, const char *name, const char *text)
{
	if (strlen(name) < COLUMN - 2)
		fprintf(file, "  %-*s%s\n", COLUMN - 2, name, text);
	else
		fprintf(file, "  %s\n  %*s%s\n", name, COLUMN - 2, "", text);
}

static void
print_option(FILE *file, const struct wh_option_info *o)
{
	char name[80], dashed[32];
	size_t i;

	for (i = 0; o->name[i] && i + 1 < sizeof(dashed); i++)
		dashed[i] = o->name[i] == '_' ? '-' : o->name[i];
	dashed[i] = '\0';
	snprintf(name, sizeof(name), "%c%c%s--%s%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", dashed,
		 o->kind == WH_OPTION_MAYBE   ? "[="
		 : o->kind == WH_OPTION_VALUE ? " "
					      : "",
		 o->value, o->kind == WH_OPTION_MAYBE ? "]" : "");
	print_row(file, name, o->help);
}

static const char *
value_name(enum wh_arg_type type)
{
	switch (type) {
	case WH_ARG_STR:
		return " TEXT";
	case WH_ARG_INT:
		return " N";
	case WH_ARG_MS:
		return " DURATION";
	case WH_ARG_MAP:
		return " JSON";
	case WH_ARG_LIST:
		return " TEXT...";
	case WH_ARG_BOOL:
		break;
	}
	return "";
}

static void
print_arg(FILE *file, const struct wh_arg_info *arg)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_buf_printf(&b, "    --%s", arg->type == WH_ARG_BOOL ? "[no-]" : "");
	wh_verb_arg_name(&b, arg);
	wh_buf_c(&b, value_name(arg->type));
	wh_buf_byte(&b, '\0');
	if (!b.fault)
		print_row(file, b.p, arg->help);
	wh_buf_fini(&b);
}

static void
print_operands(FILE *file, const struct wh_verb *v)
{
	if (v->operands) {
		fprintf(file, "%s%s", *v->operands ? " " : "", v->operands);
		return;
	}
	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++) {
		if (!v->cmd->args[i].required)
			continue;
		fputc(' ', file);
		for (const char *p = v->cmd->args[i].name; *p; p++)
			fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, file);
	}
}

static void
print_members(FILE *file)
{
	fputs("\nMembers of the webhook:\n", file);
	for (size_t i = 0; i < WH_F_COUNT; i++) {
		char name[64];

		snprintf(name, sizeof(name), "    --%s TEXT", wh_fields[i].option);
		print_row(file, name, wh_fields[i].help);
	}
}

static const struct {
	enum wh_verb_id verb;
	const char *text;
} notes[] = {
#define WH_NOTE(id, text) {WH_VERB_##id, text},
#include "ctl/verbs.def"
#undef WH_NOTE
};

static void
print_note(FILE *file, const struct wh_verb *v)
{
	for (size_t i = 0; i < wh_array_len(notes); i++)
		if (notes[i].verb == v->id)
			fprintf(file, "\n%s\n", notes[i].text);
}

static void
print_words(FILE *file, const struct wh_verb *v)
{
	if (v->operands || wh_verb_min_words(v) == 0)
		return;
	fputs("\nWords:\n", file);
	for (size_t i = 0; i < v->cmd->n_args; i++)
		if (v->cmd->args[i].required)
			print_row(file, v->cmd->args[i].name, v->cmd->args[i].help);
}

void
wh_help_verb(FILE *file, const struct wh_verb *v)
{
	fprintf(file, "%s.\n\nUsage: whctl %s", v->help, v->name);
	print_operands(file, v);
	fputs(" [OPTION...]\n", file);
	print_note(file, v);
	print_words(file, v);
	if (v->scopes & WH_SCOPE_INPUT)
		print_members(file);
	fputs("\nOptions:\n", file);
	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++)
		if (wh_verb_arg_is_option(v, &v->cmd->args[i]))
			print_arg(file, &v->cmd->args[i]);
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (wh_options[i].scope != WH_SCOPE_ANY && wh_verb_takes(v, (enum wh_option)i))
			print_option(file, &wh_options[i]);
	fputs("and those of every verb: whctl help\n", file);
	if (v->cmd)
		fprintf(file, "\nMethod %s, for the role %s.\n", v->cmd->method,
			wh_role_str(v->cmd->role));
}

static const struct {
	int exit;
	const char *text;
} exits[] = {
	{WH_EXIT_OK, "done"},
	{WH_EXIT_NEGATIVE, "a negative answer: what was asked is not so"},
	{WH_EXIT_USAGE, "wrong use"},
	{WH_EXIT_NOT_FOUND, "not found"},
	{WH_EXIT_REJECTED, "rejected, in conflict or held"},
	{WH_EXIT_UNREACHABLE, "whd cannot be reached"},
	{WH_EXIT_TIMEOUT, "time is up; the work may go on"},
	{WH_EXIT_PARTLY, "some of several failed"},
	{WH_EXIT_NOT_PERMITTED, "not permitted"},
	{WH_EXIT_OTHER, "anything else"},
	{WH_EXIT_INTERRUPTED, "stopped by Ctrl-C"},
};

/* True if the verb's name begins with the words. */
static bool
in_group(const struct wh_verb *v, const char *group)
{
	size_t n = strlen(group);

	return *v->name && (n == 0 || (strncmp(v->name, group, n) == 0 &&
				       (v->name[n] == ' ' || v->name[n] == '\0')));
}

static size_t
print_verbs(FILE *file, const char *group)
{
	size_t n = 0;

	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		if (!in_group(&wh_verbs[i], group))
			continue;
		if (n++ == 0)
			fputs("Verbs:\n", file);
		print_row(file, wh_verbs[i].name, wh_verbs[i].help);
	}
	return n;
}

static void
print_all(FILE *file)
{
	fputs("whctl reads and changes webhook configurations through whd, the local copy.\n\n"
	      "Usage: whctl VERB [WORD...] [OPTION...]\n\n"
	      "A verb may be cut short as long as it is unique. A webhook is named by its\n"
	      "whid, or by name:NAME. Durations are written 500ms, 5s, 10min, 1h.\n\n",
	      file);
	print_verbs(file, "");
	fputs("\nOptions of every verb, in any place:\n", file);
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (wh_options[i].scope == WH_SCOPE_ANY)
			print_option(file, &wh_options[i]);
	fputs("\nExit status:\n", file);
	for (size_t i = 0; i < wh_array_len(exits); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", exits[i].exit);
		print_row(file, name, exits[i].text);
	}
	fputs("\nEnvironment: WHD_SOCKET, WHCTL_WAIT=1 (changes wait), NO_COLOR, "
	      "CLICOLOR_FORCE.\n"
	      "More on a verb: whctl help VERB\n",
	      file);
}

int
wh_help_words(struct wh_ctl *ctl, const char *const *words, size_t n)
{
	const struct wh_verb *v;
	struct wh_buf why = WH_BUF_NULL;
	size_t used;
	int r = 0;

	if (n == 0)
		print_all(ctl->out.file);
	else if (wh_verb_find(words, n, &v, &used, &why) == 0)
		wh_help_verb(ctl->out.file, v);
	else if (print_verbs(ctl->out.file, words[0]) == 0)
		r = wh_ctl_fail(ctl, "USAGE", "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	wh_buf_fini(&why);
	return r;
}

int
wh_run_help(struct wh_ctl *ctl)
{
	return wh_help_words(ctl, ctl->cli.words, ctl->cli.n_words);
}

/* whd's own version, if one answers; that none does is no error. */
static struct whc_object *
ask_hello(struct wh_ctl *ctl)
{
	struct whc_object *hello = NULL;

	return wh_ctl_try(ctl, "hello", WH_STR_NULL, -1, &hello) ? NULL : hello;
}

int
wh_run_version(struct wh_ctl *ctl)
{
	struct whc_object *hello = ask_hello(ctl);
	const char *version = hello ? whc_str(hello, "version") : NULL;
	struct wh_params p;
	struct wh_tree tree;
	int r = 0;

	wh_params_begin(&p);
	wh_params_str(&p, "whctl", WH_STR(WHD_VERSION));
	if (version)
		wh_params_str(&p, "whd", wh_str_c(version));
	if (hello && whc_has(hello, "protocol"))
		wh_params_int(&p, "protocol", whc_int(hello, "protocol", 0));
	if (wh_unpack(&tree, wh_params_end(&p), NULL) == 0) {
		r = wh_ctl_show_record(ctl, WH_RESULT_HELLO, &tree.root);
		wh_tree_fini(&tree);
	}
	wh_params_fini(&p);
	whc_object_unref(hello);
	return r;
}
