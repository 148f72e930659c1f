/* SPDX-License-Identifier: MIT */
/*
 * The tables as mdoc, for packaging/man: methods and errors (whd-rpc.7), verbs
 * and options (whctl.1). Settings are in describe_settings.c. Read describe.h
 * first.
 *
 * Explanations stand on lines of their own, where only a period or an
 * apostrophe at the beginning and backslashes mean something to mdoc; names
 * are arguments of macros and are quoted.
 */
#include "ctl/ctl.h"
#include "ctl/verbs.h"
#include "proto/command.h"
#include "tests/tools/describe.h"

#define WIDTH 76 /* of a line in the source of a page */

static void
put_word(FILE *out, struct wh_str word, bool begins_line)
{
	if (begins_line && (word.p[0] == '.' || word.p[0] == '\''))
		fputs("\\&", out);
	for (size_t i = 0; i < word.n; i++)
		fprintf(out, word.p[i] == '\\' ? "\\e" : "%c", word.p[i]);
}

/* A sentence of a table, with the period that it lacks there. */
static void
text(FILE *out, const char *sentence)
{
	size_t column = 0;

	for (const char *p = sentence; *p; p += *p == ' ') {
		struct wh_str word = wh_str(p, strcspn(p, " "));

		if (column > 0 && column + word.n > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column > 0)
			fputc(' ', out);
		put_word(out, word, column == 0);
		column += word.n + 1;
		p += word.n;
	}
	fputs(".\n", out);
}

/* ---------------------------------------------------------------- methods -- */

static void
print_method(FILE *out, const struct wh_cmd_info *cmd)
{
	fprintf(out, ".It Ic \"%s\"\n", cmd->method);
	text(out, cmd->help);
	fprintf(out, "Role %s; result %s.\n", wh_role_str(cmd->role),
		wh_result_str(cmd->result));
	if (cmd->n_args == 0)
		return;
	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = 0; i < cmd->n_args; i++) {
		const struct wh_arg_info *arg = &cmd->args[i];

		fprintf(out, ".It Fa \"%s\" Pq %s%s\n", arg->name, wh_arg_type_str(arg->type),
			arg->required ? ", required" : "");
		text(out, arg->help);
	}
	fputs(".El\n", out);
}

void
wh_manual_methods(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < WH_CMD_COUNT; i++)
		print_method(out, &wh_commands[i]);
	fputs(".El\n", out);
}

void
wh_manual_errors(FILE *out)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = WH_ERR_NONE + 1; i < WH_ERR_COUNT; i++) {
		fprintf(out, ".It Er %s Pq type %d\n", wh_errors[i].name, wh_errors[i].type);
		text(out, wh_errors[i].text);
	}
	fputs(".El\n", out);
}

/* --------------------------------------------------------------- options -- */

/* "wait" or "request_id" as it is typed, after two dashes. */
static void
long_name(FILE *out, const char *name)
{
	fputs("Fl -", out);
	for (const char *p = name; *p; p++)
		fputc(*p == '_' ? '-' : *p, out);
}

static void
print_option(FILE *out, const struct wh_option_info *o)
{
	fputs(".It ", out);
	if (o->letter)
		fprintf(out, "Fl %c , ", o->letter);
	long_name(out, o->name);
	if (o->kind == WH_OPTION_VALUE)
		fprintf(out, " Ar \"%s\"", o->value);
	else if (o->kind == WH_OPTION_MAYBE)
		fprintf(out, " Ns Op = Ns Ar \"%s\"", o->value);
	fputc('\n', out);
	text(out, o->help);
}

static const char *
value_name(enum wh_arg_type type)
{
	switch (type) {
	case WH_ARG_STR:
		return "TEXT";
	case WH_ARG_INT:
		return "N";
	case WH_ARG_MS:
		return "DURATION";
	case WH_ARG_MAP:
		return "JSON";
	case WH_ARG_LIST:
		return "TEXT ...";
	case WH_ARG_BOOL:
		break;
	}
	return "";
}

/* A switch can be taken back with "no-" before its name. */
static void
print_param(FILE *out, const struct wh_arg_info *arg)
{
	struct wh_buf name = WH_BUF_NULL;

	wh_verb_arg_name(&name, arg);
	fprintf(out, ".It Fl -%.*s", WH_STR_FMT(wh_buf_view(&name)));
	if (arg->type == WH_ARG_BOOL)
		fprintf(out, " , Fl -no-%.*s", WH_STR_FMT(wh_buf_view(&name)));
	else
		fprintf(out, " Ar %s", value_name(arg->type));
	fputc('\n', out);
	text(out, arg->help);
	wh_buf_fini(&name);
}

void
wh_manual_options(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (wh_options[i].scope == WH_SCOPE_ANY)
			print_option(out, &wh_options[i]);
	fputs(".El\n", out);
}

void
wh_manual_members(FILE *out)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = 0; i < WH_F_COUNT; i++) {
		fprintf(out, ".It Fl -%s Ar TEXT\n", wh_fields[i].option);
		fprintf(out, "%s:\n", wh_fields[i].name);
		text(out, wh_fields[i].help);
	}
	fputs(".El\n", out);
}

/* ----------------------------------------------------------------- verbs -- */

static void
print_operands(FILE *out, const struct wh_verb *v)
{
	if (v->operands && *v->operands)
		fprintf(out, " Ar \"%s\"", v->operands);
	for (size_t i = 0; !v->operands && v->cmd && i < v->cmd->n_args; i++) {
		if (!v->cmd->args[i].required)
			continue;
		fputs(" Ar ", out);
		for (const char *p = v->cmd->args[i].name; *p; p++)
			fputc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
	}
}

static bool
is_own_option(const struct wh_verb *v, size_t i)
{
	return wh_options[i].scope != WH_SCOPE_ANY && wh_verb_takes(v, (enum wh_option)i);
}

static bool
has_options(const struct wh_verb *v)
{
	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++)
		if (wh_verb_arg_is_option(v, &v->cmd->args[i]))
			return true;
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (is_own_option(v, i))
			return true;
	return false;
}

static void
print_verb_options(FILE *out, const struct wh_verb *v)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = 0; v->cmd && i < v->cmd->n_args; i++)
		if (wh_verb_arg_is_option(v, &v->cmd->args[i]))
			print_param(out, &v->cmd->args[i]);
	for (size_t i = 0; i < WH_OPTION_COUNT; i++)
		if (is_own_option(v, i))
			print_option(out, &wh_options[i]);
	fputs(".El\n", out);
}

static void
print_verb(FILE *out, const struct wh_verb *v)
{
	fprintf(out, ".It Cm %s", v->name);
	print_operands(out, v);
	fputc('\n', out);
	text(out, v->help);
	if (v->scopes & WH_SCOPE_INPUT)
		fputs("Takes the members of a webhook as options.\n", out);
	if (has_options(v))
		print_verb_options(out, v);
}

void
wh_manual_verbs(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < WH_VERB_COUNT; i++)
		if (*wh_verbs[i].name)
			print_verb(out, &wh_verbs[i]);
	fputs(".El\n", out);
}

/* ----------------------------------------------------------------- codes -- */

static void
print_code(FILE *out, const char *name, int status, const char *hint)
{
	fprintf(out, ".It Er %s Pq exit %d\n", name, status);
	text(out, hint);
}

void
wh_manual_codes(FILE *out)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
#define WH_CODE(name, status, hint) print_code(out, #name, status, hint);
#include "ctl/codes.def"
#undef WH_CODE
	fputs(".El\n", out);
}
