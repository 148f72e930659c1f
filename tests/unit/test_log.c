/* SPDX-License-Identifier: MIT */
/*
 * daemon/log.c and log_line.c: a line stays one line whatever its values are,
 * and what is written can be read back.
 */
#include "daemon/log_line.h"
#include "tests/unit/rows.h"

#include <poll.h>
#include <unistd.h>

struct quote_row {
	const char *what;
	const char *value;
	const char *want;
};

static const struct quote_row quote_rows[] = {
	{"plain", "abc-1.2:3/x", "abc-1.2:3/x"},
	{"empty", "", "\"\""},
	{"space", "a b", "\"a b\""},
	{"equals", "a=b", "\"a=b\""},
	{"quote", "a\"b", "\"a\\\"b\""},
	{"backslash", "a\\b", "\"a\\\\b\""},
	{"line break", "a\nlevel=error", "\"a\\x0alevel=error\""},
	{"return", "a\rb", "\"a\\x0db\""},
	{"escape", "\x1b[2J", "\"\\x1b[2J\""},
	{"delete", "a\x7f", "\"a\\x7f\""},
	{"C1 in UTF-8",
	 "\xc2\x9b"
	 "31m",
	 "\"\\xc2\\x9b31m\""},
	{"raw C1",
	 "\x9b"
	 "31m",
	 "\"\\x9b31m\""},
	{"right to left", "a\xe2\x80\xae", "\"a\\xe2\\x80\\xae\""},
	{"zero width", "a\xe2\x80\x8b", "\"a\\xe2\\x80\\x8b\""},
	{"isolate", "\xe2\x81\xa6", "\"\\xe2\\x81\\xa6\""},
	{"byte order mark", "\xef\xbb\xbf", "\"\\xef\\xbb\\xbf\""},
	{"letters beyond ASCII", "M\xc3\xbcller", "\"M\xc3\xbcller\""},
	{"cut sequence", "a\xc3", "\"a\\xc3\""},
};

static void
quoting(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(quote_rows); i++) {
		char out[256];

		wh_log_quote(wh_str_c(quote_rows[i].value), out, sizeof(out));
		if (strcmp(out, quote_rows[i].want) != 0)
			fail_msg("%s: %s", quote_rows[i].what, out);
	}
}

/* Whatever is cut stays a whole, ended value within its room. */
static void
cutting(void **state)
{
	char value[1024], out[256];

	(void)state;
	for (size_t cap = 16; cap <= sizeof(out); cap++) {
		memset(value, cap % 2 ? '"' : 'a', sizeof(value));
		wh_log_quote(wh_str(value, sizeof(value)), out, cap);
		size_t n = strlen(out);

		check("fits", n < cap && n + 8 > cap);
		check("quoted", out[0] == '"' && strcmp(out + n - 4, "...\"") == 0);
	}
	wh_log_quote(wh_str("aaaaaaaaaaaaaaa", 15), out, 16);
	check("just fits", strcmp(out, "aaaaaaaaaaaaaaa") == 0);
}

static struct wh_log_line
line(const char *fields, const struct wh_wall *at)
{
	return (struct wh_log_line){
		.level = WH_LOG_WARNING,
		.group = "sync",
		.msg = "list applied",
		.fields = wh_str_c(fields),
		.at = at,
	};
}

static void
fields(void **state)
{
	struct wh_str rest = WH_STR("a=1  b=\"x \\\" y\" c= d=\"open"), key, value;
	struct wh_buf out = WH_BUF_NULL;

	(void)state;
	check("a", wh_log_next_field(&rest, &key, &value) && wh_str_is(key, "a"));
	check("1", wh_str_is(value, "1"));
	check("b", wh_log_next_field(&rest, &key, &value) && wh_str_is(key, "b"));
	wh_log_unquote(&out, value);
	check("x \" y", wh_str_is(wh_buf_view(&out), "x \" y"));
	check("c",
	      wh_log_next_field(&rest, &key, &value) && wh_str_is(key, "c") && value.n == 0);
	check("d", wh_log_next_field(&rest, &key, &value) && wh_str_is(key, "d"));
	check("end", !wh_log_next_field(&rest, &key, &value));
	wh_buf_fini(&out);
}

static void
logfmt(void **state)
{
	const struct wh_wall at = {1795426768994};
	struct wh_log_line l = line("rows=3 name=\"a b\"", &at);
	struct wh_buf out = WH_BUF_NULL;

	(void)state;
	wh_log_line_logfmt(&out, &l);
	check("with time", wh_str_is(wh_buf_view(&out),
				     "time=2026-11-23T09:39:28.994Z level=warning group=sync "
				     "msg=\"list applied\" rows=3 name=\"a b\"\n"));
	wh_buf_reset(&out);
	l = line("x=a\nb\x1b", NULL);
	wh_log_line_logfmt(&out, &l);
	check("unquoted control bytes",
	      wh_str_is(wh_buf_view(&out),
			"level=warning group=sync msg=\"list applied\" x=a?b?\n"));
	wh_buf_fini(&out);
}

static void
json(void **state)
{
	const struct wh_wall at = {1000};
	struct wh_log_line l = line("rows=3 name=\"a \\\"b\\x1b\\\\\"", &at);
	struct wh_buf out = WH_BUF_NULL;

	(void)state;
	check("json", wh_log_line_json(&out, &l) == 0);
	check("json",
	      wh_str_is(wh_buf_view(&out),
			"{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"warning\","
			"\"group\":\"sync\",\"message\":\"list applied\",\"rows\":\"3\","
			"\"name\":\"a \\\"b\\\\x1b\\\\\"}\n"));
	wh_buf_fini(&out);
}

static void
levels(void **state)
{
	enum wh_log_level level;

	(void)state;
	for (int i = WH_LOG_ERROR; i <= WH_LOG_DEBUG; i++) {
		const char *name = wh_log_level_str((enum wh_log_level)i);

		check(name, wh_log_level_parse(wh_str_c(name), &level) && (int)level == i);
	}
	check("unknown", !wh_log_level_parse(WH_STR("fatal"), &level));
	check("case", !wh_log_level_parse(WH_STR("INFO"), &level));
}

/* What arrives at stderr while the test has it; read without waiting. */
static size_t
read_now(int fd, char *out, size_t cap)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, 0) > 0 ? read(fd, out, cap - 1) : 0;

	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void
to_stderr(void **state)
{
	char text[8192];
	int pipes[2], kept = dup(STDERR_FILENO);

	(void)state;
	check("pipe", pipe(pipes) == 0 && dup2(pipes[1], STDERR_FILENO) >= 0);
	wh_log_open(WH_LOG_LOGFMT, WH_LOG_WARNING);
	wh_log(WH_LOG_INFO, "x", "quiet", WH_LOG_PLAIN);
	size_t below = read_now(pipes[0], text, sizeof(text));

	wh_log(WH_LOG_ERROR, "x", "loud", "a=%s", WH_LOGQ(WH_STR("b\nc")));
	read_now(pipes[0], text, sizeof(text));
	wh_log_set_level(WH_LOG_DEBUG);
	wh_log(WH_LOG_DEBUG, "x", "now heard", "%s", "");
	char more[8192];
	size_t debug = read_now(pipes[0], more, sizeof(more));

	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipes[0]);
	close(pipes[1]);
	check("below the level", below == 0);
	check("line", strstr(text, " level=error group=x msg=loud a=\"b\\x0ac\"\n"));
	check("one line", strchr(text, '\n') == text + strlen(text) - 1);
	check("level", debug > 0 && wh_log_get_level() == WH_LOG_DEBUG);
	wh_log_open(WH_LOG_AUTO, WH_LOG_INFO);
}

/* A reader that stops reading does not stop whd; what was lost is told later. */
static void
nobody_reads(void **state)
{
	static char text[1 << 20];
	int pipes[2], kept = dup(STDERR_FILENO), lines = 0;
	struct pollfd p;

	(void)state;
	check("pipe", pipe(pipes) == 0 && dup2(pipes[1], STDERR_FILENO) >= 0);
	p = (struct pollfd){.fd = pipes[1], .events = POLLOUT};
	wh_log_open(WH_LOG_LOGFMT, WH_LOG_INFO);
	for (; lines < 100000 && poll(&p, 1, 0) > 0; lines++)
		wh_log(WH_LOG_INFO, "x", "fill", "n=%d", lines);
	wh_log(WH_LOG_INFO, "x", "lost", WH_LOG_PLAIN);
	read_now(pipes[0], text, sizeof(text));
	wh_log(WH_LOG_INFO, "x", "heard", WH_LOG_PLAIN);
	read_now(pipes[0], text, sizeof(text));
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipes[0]);
	close(pipes[1]);
	check("filled", lines > 0 && lines < 100000);
	check("told", strstr(text, "lost=1\n") && strstr(text, "msg=heard"));
	wh_log_open(WH_LOG_AUTO, WH_LOG_INFO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),   cmocka_unit_test(cutting),
		cmocka_unit_test(fields),    cmocka_unit_test(logfmt),
		cmocka_unit_test(json),      cmocka_unit_test(levels),
		cmocka_unit_test(to_stderr), cmocka_unit_test(nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
