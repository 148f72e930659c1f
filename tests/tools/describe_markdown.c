/* SPDX-License-Identifier: MIT */
/*
 * The tables as Markdown, for proto/PROTOCOL.md: methods with their
 * parameters, error codes, members of a webhook, states of an operation and
 * their reasons, counters. Read describe.h first.
 */
#include "daemon/core/op.h"
#include "proto/command.h"
#include "proto/record.h"
#include "tests/tools/describe.h"

/* One cell of a table: a bar would end it. */
static void
cell(FILE *out, const char *text)
{
	fputc(' ', out);
	for (const char *p = text; *p; p++)
		fprintf(out, *p == '|' ? "\\|" : "%c", *p);
	fputs(" |", out);
}

static void
code_cell(FILE *out, const char *text)
{
	fprintf(out, " `%s` |", text);
}

/* ---------------------------------------------------------------- methods -- */

static const struct flag_row {
	unsigned flag;
	const char *text;
} flag_rows[] = {
	{WH_CMD_DURABLE, "durable"},
	{WH_CMD_PAGED, "paged"},
	{WH_CMD_WAITS, "may wait"},
	{WH_CMD_STREAMS, "streams"},
};

static void
print_heading(FILE *out, const struct wh_cmd_info *cmd)
{
	const char *shape = wh_result_str(cmd->result);

	fprintf(out, "### `%s`\n\n%s. Role: %s. Result: [%s](#result-%s).", cmd->method,
		cmd->help, wh_role_str(cmd->role), shape, shape);
	for (size_t i = 0; i < wh_array_len(flag_rows); i++)
		if (cmd->flags & flag_rows[i].flag)
			fprintf(out, " *%s*", flag_rows[i].text);
	fputs("\n\n", out);
}

static void
print_params(FILE *out, const struct wh_cmd_info *cmd)
{
	if (cmd->n_args == 0) {
		fputs("No parameters.\n\n", out);
		return;
	}
	fputs("| parameter | type | | meaning |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < cmd->n_args; i++) {
		const struct wh_arg_info *arg = &cmd->args[i];

		fputc('|', out);
		code_cell(out, arg->name);
		cell(out, wh_arg_type_str(arg->type));
		cell(out, arg->required ? "required" : "optional");
		cell(out, arg->help);
		fputc('\n', out);
	}
	fputc('\n', out);
}

void
wh_describe_methods(FILE *out)
{
	for (size_t i = 0; i < WH_CMD_COUNT; i++) {
		print_heading(out, &wh_commands[i]);
		print_params(out, &wh_commands[i]);
	}
}

/* ----------------------------------------------------------------- others -- */

void
wh_describe_errors(FILE *out)
{
	fputs("| code | type | `whctl` exits | meaning |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = WH_ERR_NONE + 1; i < WH_ERR_COUNT; i++) {
		const struct wh_error_info *e = &wh_errors[i];

		fprintf(out, "| `%s` | %d | %d |", e->name, e->type, e->exit);
		cell(out, e->text);
		fputc('\n', out);
	}
}

static const char *
member_type(enum wh_field_type type)
{
	switch (type) {
	case WH_FT_TEXT:
		return "string, may be empty";
	case WH_FT_NAME:
		return "string, not empty";
	case WH_FT_URL:
		return "string, a url";
	case WH_FT_SET:
		return "list of strings";
	}
	return "";
}

void
wh_describe_members(FILE *out)
{
	fputs("| member | type | most bytes | meaning |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < WH_F_COUNT; i++) {
		const struct wh_field_info *f = &wh_fields[i];

		fputc('|', out);
		code_cell(out, f->name);
		cell(out, member_type(f->type));
		fprintf(out, " %zu%s |", f->max, f->type == WH_FT_SET ? " each" : "");
		cell(out, f->help);
		fputc('\n', out);
	}
}

void
wh_describe_states(FILE *out)
{
	fputs("| state | meaning |\n| --- | --- |\n", out);
#define WH_OP_STATE(id, name, live, help) fprintf(out, "| `%s` | %s |\n", #name, help);
#include "daemon/core/op.def"
#undef WH_OP_STATE
}

void
wh_describe_reasons(FILE *out)
{
	fputs("| state | `reason`, or `result` | `why` |\n| --- | --- | --- |\n", out);
#define WH_REASON(state, token, why)                                                           \
	fprintf(out, "| `%s` | %s | %s |\n", wh_op_state_str(WH_OP_##state),                   \
		*token ? "`" token "`" : "", why);
#include "daemon/core/reasons.def"
#undef WH_REASON
}

void
wh_describe_counters(FILE *out)
{
	fputs("| metric | counts |\n| --- | --- |\n", out);
#define WH_COUNTER(name, help) fprintf(out, "| `whd_%s_total` | %s |\n", #name, help);
#include "daemon/counters.def"
#undef WH_COUNTER
}
