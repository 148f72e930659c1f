/* SPDX-License-Identifier: MIT */
/*
 * Prints errors, and knows the exit status and the hint of each code.
 *
 * Everything that fails ends here, once. It never writes to standard output.
 */
#include <stdio.h>

#include "ctl/escape.h"
#include "ctl/report.h"
#include "proto/json.h"

static const struct {
	const char *code;
	int exit;
	const char *hint;
} codes[] = {
#define WH_CODE(name, exit, hint) {#name, exit, hint},
#define WH_HINT(name, hint) {#name, -1, hint},
#include "ctl/codes.def"
#undef WH_HINT
#undef WH_CODE
};

int
wh_exit_of(const char *code)
{
	enum wh_error known = wh_error_by_name(wh_str_c(code));

	if (known != WH_ERR_NONE)
		return wh_errors[known].exit;
	for (size_t i = 0; i < wh_array_len(codes); i++)
		if (codes[i].exit >= 0 && strcmp(code, codes[i].code) == 0)
			return codes[i].exit;
	return WH_EXIT_OTHER;
}

const char *
wh_hint_of(const char *code)
{
	for (size_t i = 0; i < wh_array_len(codes); i++)
		if (strcmp(code, codes[i].code) == 0)
			return codes[i].hint;
	return "";
}

static struct wh_str
hint_of(const struct wh_problem *p)
{
	return p->hint.n ? p->hint : wh_str_c(wh_hint_of(p->code));
}

void
wh_problem_pack(struct wh_buf *b, const struct wh_problem *p)
{
	wh_pack_kv_c(b, "code", p->code);
	wh_pack_kv_str(b, "message", p->message);
	wh_pack_kv_str(b, "hint", hint_of(p));
}

void
wh_report_packed(struct wh_str error)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_buf json = WH_BUF_NULL;
	struct wh_buf line = WH_BUF_NULL;

	wh_pack_map(&b, 1);
	wh_pack_kv_raw(&b, "error", error);
	if (!b.fault && wh_json_from_pack(&json, wh_buf_view(&b), 0) == 0) {
		wh_escape(&line, wh_buf_view(&json), WH_ESCAPE_JSON);
		fprintf(stderr, "%.*s\n", WH_STR_FMT(wh_buf_view(&line)));
	}
	wh_buf_fini(&b);
	wh_buf_fini(&json);
	wh_buf_fini(&line);
}

static void
report_text(const struct wh_problem *p)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_buf_c(&b, "whctl: ");
	wh_escape(&b, wh_str_c(p->code), WH_ESCAPE_LINE);
	wh_buf_c(&b, ": ");
	wh_escape(&b, p->message, WH_ESCAPE_LINE);
	if (hint_of(p).n) {
		wh_buf_c(&b, "\nhint: ");
		wh_escape(&b, hint_of(p), WH_ESCAPE_LINE);
	}
	fprintf(stderr, "%.*s\n", WH_STR_FMT(wh_buf_view(&b)));
	wh_buf_fini(&b);
}

int
wh_report(const struct wh_problem *p, bool as_json)
{
	if (as_json) {
		struct wh_buf b = WH_BUF_NULL;

		wh_pack_map(&b, 3);
		wh_problem_pack(&b, p);
		wh_report_packed(wh_buf_view(&b));
		wh_buf_fini(&b);
	} else {
		report_text(p);
	}
	return wh_exit_of(p->code);
}
