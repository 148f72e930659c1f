/* SPDX-License-Identifier: MIT */
/*
 * daemon/config*.c: values by type, what is refused and how it is said, the
 * order of files, and that what is printed parses back to the same.
 */
#include "daemon/config_value.h"
#include "tests/unit/rows.h"
#include "tests/unit/shell_fixture.h"

#define URL "[upstream]\nurl = https://api.example.com/webhookconfig\n"

static size_t
setting(const char *section, const char *key)
{
	size_t i = 0;

	while (i < wh_settings_n && (strcmp(wh_settings[i].section, section) != 0 ||
				     strcmp(wh_settings[i].key, key) != 0))
		i++;
	check(key, i < wh_settings_n);
	return i;
}

/* The value of one setting as printed. */
static bool
is_value(const struct wh_config *c, const char *section, const char *key, const char *want)
{
	struct wh_buf out = WH_BUF_NULL;

	wh_config_value(c, setting(section, key), &out);
	bool same = wh_str_is(wh_buf_view(&out), want);

	if (!same)
		fprintf(stderr, "%s.%s is %.*s\n", section, key, WH_STR_FMT(wh_buf_view(&out)));
	wh_buf_fini(&out);
	return same;
}

struct value_row {
	const char *section, *key, *text;
	const char *want; /* as printed back; NULL: refused ... */
	const char *why;  /* ... with this */
};

static const struct value_row value_rows[] = {
	{"sync", "interval", "100ms", "100ms", NULL},
	{"sync", "interval", "5s", "5s", NULL},
	{"sync", "interval", "60s", "1min", NULL},
	{"sync", "interval", "90s", "90s", NULL},
	{"sync", "interval", "24h", "1d", NULL},
	{"sync", "interval", "10", NULL, "is no duration"},
	{"sync", "interval", "10sec", NULL, "is no duration"},
	{"sync", "interval", "10 s", NULL, "is no duration"},
	{"sync", "interval", "-1s", NULL, "is no duration"},
	{"sync", "interval", "s", NULL, "is no duration"},
	{"sync", "interval", "", NULL, "is no duration"},
	{"sync", "interval", "1.5s", NULL, "is no duration"},
	{"sync", "interval", "99999999999999999999s", NULL, "is no duration"},
	{"sync", "interval", "9223372036854775807h", NULL, "is no duration"},
	{"sync", "interval", "0", NULL, "the least is 100ms, the most 1d"},
	{"sync", "interval", "2d", NULL, "the least is 100ms, the most 1d"},
	{"sync", "stale_after", "0", "0", NULL},
	{"sync", "stale_after", "0s", "0", NULL},
	{"store", "max_size", "64MiB", "64MiB", NULL},
	{"store", "max_size", "1024KiB", "1MiB", NULL},
	{"store", "max_size", "1048577B", "1048577B", NULL},
	{"store", "max_size", "1TiB", "1TiB", NULL},
	{"store", "max_size", "64MB", NULL, "is no size"},
	{"store", "max_size", "1048576", NULL, "is no size"},
	{"store", "max_size", "1023KiB", NULL, "the least is 1MiB, the most 16TiB"},
	{"store", "min_free", "0", "0", NULL},
	{"upstream", "allow_http", "yes", "yes", NULL},
	{"upstream", "allow_http", "no", "no", NULL},
	{"upstream", "allow_http", "true", NULL, "neither yes nor no"},
	{"upstream", "rate", "2.5", "2.5", NULL},
	{"upstream", "rate", "0.125", "0.125", NULL},
	{"upstream", "rate", "10", "10", NULL},
	{"upstream", "rate", "10.50", "10.5", NULL},
	{"upstream", "rate", "1.2345", NULL, "is no rate"},
	{"upstream", "rate", "1.", NULL, "is no rate"},
	{"upstream", "rate", ".5", NULL, "is no rate"},
	{"upstream", "rate", "1001", NULL, "the least is 0, the most 1000"},
	{"queue", "concurrency", "64", "64", NULL},
	{"queue", "concurrency", "0", NULL, "the least is 1, the most 64"},
	{"queue", "concurrency", "4x", NULL, "is no number"},
	{"queue", "concurrency", "+4", NULL, "is no number"},
	{"queue", "policy", "manual", "manual", NULL},
	{"queue", "policy", "", NULL, "merge, local-wins, remote-wins, manual"},
	{"queue", "policy", "merge|local-wins", NULL, "is not one of the words"},
	{"sync", "max_shrink", "100", "100", NULL},
	{"sync", "max_shrink", "5%", "5", NULL},
	{"sync", "max_shrink", "101", NULL, "the least is 0, the most 100"},
	{"sync", "max_shrink", "%", NULL, "is no percentage"},
	{"socket", "mode", "0660", "0660", NULL},
	{"socket", "mode", "600", "0600", NULL},
	{"socket", "mode", "0868", NULL, "is no file mode"},
	{"socket", "mode", "01777", NULL, "is no file mode"},
	{"socket", "mode", "1777", NULL, "the least is 0000, the most 0777"},
	{"socket", "path", "/a", "/a", NULL},
	{"socket", "path", "run/whd.sock", NULL, "relative path"},
	{"socket", "path", "", NULL, "is empty"},
	{"upstream", "key_file", "", "", NULL},
	{"upstream", "header", "", NULL, "is empty"},
	{"sync", "ignore_members", "  a \t b  c ", "a b c", NULL},
};

static void
values(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(value_rows); i++) {
		const struct value_row *row = &value_rows[i];
		char text[512], what[256];
		struct wh_buf problems = WH_BUF_NULL;
		struct wh_config *c = NULL;

		snprintf(text, sizeof(text), URL "[%s]\n%s = %s\n", row->section, row->key,
			 row->text);
		snprintf(what, sizeof(what), "%s = %s", row->key, row->text);
		int r = wh_config_load(&c, folder_text(*state, "c", text), &problems);

		if (row->want) {
			check(what, r == 0 && is_value(c, row->section, row->key, row->want));
		} else {
			check(what, r == WH_EINVAL && says(&problems, row->why));
			check(what, says(&problems, "/c:4: ") && says(&problems, row->key));
		}
		wh_config_free(c);
		wh_buf_fini(&problems);
	}
}

struct text_row {
	const char *what;
	const char *text;
	const char *why; /* NULL: taken */
};

static const struct text_row text_rows[] = {
	{"least", URL, NULL},
	{"comments and blanks", "\n# a\n; b\n  # c\n" URL "\n\n", NULL},
	{"CRLF", "[upstream]\r\nurl = https://a.example/x\r\n", NULL},
	{"byte order mark", "\xef\xbb\xbf" URL, NULL},
	{"no last line end", "[upstream]\nurl = https://a.example/x", NULL},
	{"indented", "[upstream]\n  url = https://a.example/x\n  header = X-Key\n", NULL},
	{"colon", "[upstream]\nurl: https://a.example/x\n", NULL},
	{"comment behind a section", "[upstream] # ours\nurl = https://a.example/x\n", NULL},
	{"sections may come again", URL "[log]\nlevel = info\n[upstream]\nburst = 3\n", NULL},
	{"no url", "[log]\nlevel = info\n",
	 "c: upstream.url: no address is set: it comes with the "
	 "subscription key"},
	{"url is empty", "[upstream]\nurl =\n", "c:2: upstream.url: no address is set"},
	{"url is no address", "[upstream]\nurl = example\n",
	 "c:2: upstream.url: must begin with"},
	{"url with user", "[upstream]\nurl = https://a:b@c.example/\n", "user name"},
	{"url with query", "[upstream]\nurl = https://c.example/x?y\n", "holds a query"},
	{"http", "[upstream]\nurl = http://127.0.0.1/x\n", "shows the subscription key"},
	{"http allowed", "[upstream]\nurl = http://127.0.0.1/x\nallow_http = yes\n", NULL},
	{"http elsewhere", "[upstream]\nurl = http://c.example/\nallow_http = yes\n",
	 "another machine"},
	{"unknown key", URL "urll = x\n",
	 "c:3: upstream.urll: there is no such setting; did you "
	 "mean url?"},
	{"key of another section", URL "interval = 5s\n", "interval belongs to [sync]"},
	{"far from any key", URL "zzzzzzzzzz = 5s\n", "take the line out"},
	{"unknown section", URL "[sink]\ninterval = 5s\n",
	 "c:3: [sink]: there is no such section; "
	 "did you mean [sync]?"},
	{"no section", "url = https://a.example/\n" URL, "c:1: a setting stands before"},
	{"twice", URL "url = https://b.example/\n", "c:3: upstream.url: was set in line 2"},
	{"no key", URL "just words\n", "c:3: the line is neither key = value"},
	{"no key at the end", URL "word", "c:3: the line is neither"},
	{"open section", URL "[sync\ninterval = 5s\n", "c:3: a section's head has no ]"},
	{"text behind a section", URL "[sync] interval = 5s\n", "c:3: there is text behind"},
	{"control byte", URL "burst = 3\x01\n", "c:3: the line holds a control character"},
	{"escape in a comment is no matter", URL "# \x1b[2J\n", NULL},
	{"not UTF-8", URL "header = \xff\n",
	 "c:3: the line holds a control character or is not"},
	{"header of HTTP", URL "header = content-length\n", "belongs to HTTP itself"},
	{"header with a blank", URL "header = X Key\n", "is no header name"},
	{"header with a line", URL "header = X:\n", "is no header name"},
	{"ca_file", URL "ca_file = /nowhere/ca.pem\n", "/nowhere/ca.pem cannot be read"},
	{"ca_file is a folder", URL "ca_file = /\n", "/ is no file"},
	{"base and cap", URL "[retry]\nbase = 10s\ncap = 5s\n", "retry.base: is longer"},
	{"marks", URL "[limits]\nout_high = 2MiB\nout_max = 1MiB\n",
	 "limits.out_high: is larger"},
	{"reserve", URL "[limits]\nconnections = 8\n", "limits.admin_reserve: leaves no"},
	{"known names", URL "[access]\nread = root @root 12 @34\n", NULL},
	{"no such user", URL "[access]\nwrite = root nobody-of-this-name\n",
	 "c:4: access.write: there is no user \"nobody-of-this-name\""},
	{"no such group", URL "[access]\nadmin = @no-such-group\n",
	 "c:4: access.admin: there is no group \"no-such-group\""},
};

static void
texts(void **state)
{
	for (size_t i = 0; i < wh_array_len(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		struct wh_buf problems = WH_BUF_NULL;
		struct wh_config *c = NULL;
		int r = wh_config_load(&c, folder_text(*state, "c", row->text), &problems);

		if (row->why)
			check(row->what, r == WH_EINVAL && says(&problems, row->why));
		else
			check(row->what, r == 0 && problems.n == 0);
		wh_config_free(c);
		wh_buf_fini(&problems);
	}
}

static size_t
count_lines(const struct wh_buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

/* All problems are told at once, each with its line; but not without end. */
static void
all_problems(void **state)
{
	struct wh_buf problems = WH_BUF_NULL, many = WH_BUF_NULL;
	struct wh_config *c = NULL;
	const char *text =
		"[upstream]\nurl = https://a.example/x\nburst = x\n[nope]\na = b\nc = d\n"
		"[sync]\ninterval = 1\nword\nstale_after = y\n";

	check("load",
	      wh_config_load(&c, folder_text(*state, "c", text), &problems) == WH_EINVAL);
	check("lines", count_lines(&problems) == 5);
	check("3", says(&problems, "/c:3: upstream.burst"));
	check("4", says(&problems, "/c:4: [nope]"));
	check("8", says(&problems, "/c:8: sync.interval"));
	check("9", says(&problems, "/c:9: the line"));
	check("10", says(&problems, "/c:10: sync.stale_after"));
	wh_buf_c(&many, "[sync]\n");
	for (int i = 0; i < 1000; i++)
		wh_buf_c(&many, "word\n");
	wh_buf_reset(&problems);
	folder_write(*state, "c", many.p, many.n, 0600);
	check("many",
	      wh_config_load(&c, ((struct folder *)*state)->file, &problems) == WH_EINVAL);
	check("bounded", count_lines(&problems) == 101 && says(&problems, "further problems"));
	wh_buf_fini(&many);
	wh_buf_fini(&problems);
}

static void
long_lines(void **state)
{
	struct wh_buf text = WH_BUF_NULL, problems = WH_BUF_NULL;
	struct wh_config *c = NULL;

	for (size_t n = 150; n < 400; n++) {
		wh_buf_reset(&text);
		wh_buf_reset(&problems);
		wh_buf_c(&text, URL "key_file = /");
		for (size_t i = 0; i < n; i++)
			wh_buf_byte(&text, 'k');
		folder_write(*state, "c", text.p, text.n, 0600);
		int r = wh_config_load(&c, ((struct folder *)*state)->file, &problems);

		/* Either the whole value is taken or the line is refused: never a part of it.
		 */
		if (r == 0)
			check("whole", strlen(c->upstream_key_file) == n + 1);
		else
			check("refused", says(&problems, "/c:3: the line is"));
		check("the short are taken", r == 0 || n > 170);
		c = r == 0 ? wh_config_free(c) : NULL;
	}
	wh_buf_fini(&text);
	wh_buf_fini(&problems);
}

static void
nul_byte(void **state)
{
	static const char text[] = URL "header = X\0Y\n";
	struct wh_buf problems = WH_BUF_NULL;
	struct wh_config *c = NULL;
	const char *file = folder_write(*state, "c", text, sizeof(text) - 1, 0600);

	check("NUL", wh_config_load(&c, file, &problems) == WH_EINVAL);
	check("NUL", says(&problems, "/c:3: the line holds a control character"));
	wh_buf_fini(&problems);
}

static void
files(void **state)
{
	static const mode_t refused[] = {0620, 0602, 0666, 0622};
	struct folder *f = *state;
	struct wh_buf problems = WH_BUF_NULL;
	struct wh_config *c = NULL;
	char link[300];

	for (size_t i = 0; i < wh_array_len(refused); i++) {
		const char *file = folder_write(f, "c", URL, strlen(URL), refused[i]);

		wh_buf_reset(&problems);
		check("mode", wh_config_load(&c, file, &problems) == WH_EINVAL);
		check("mode", says(&problems, "chmod go-w"));
	}
	check("0644",
	      wh_config_load(&c, folder_write(f, "c", URL, strlen(URL), 0644), &problems) == 0);
	c = wh_config_free(c);
	snprintf(link, sizeof(link), "%s/link", f->path);
	check("link", symlink(f->file, link) == 0);
	check("link",
	      wh_config_load(&c, link, &problems) == WH_EINVAL && says(&problems, "symbolic"));
	check("fifo", mkfifo(folder_path(f, "fifo"), 0600) == 0);
	check("fifo", wh_config_load(&c, f->file, &problems) == WH_EINVAL);
	check("folder", wh_config_load(&c, f->path, &problems) == WH_EINVAL);
	check("absent", wh_config_load(&c, folder_path(f, "absent"), &problems) == WH_EINVAL &&
				says(&problems, "No such file"));
	check("huge", truncate(folder_text(f, "huge", URL), 100 << 20) == 0);
	check("huge",
	      wh_config_load(&c, f->file, &problems) == WH_EINVAL && says(&problems, "1 MiB"));
	wh_buf_fini(&problems);
}

/* Later files win, in the order of the bytes of their names; the origin tells which. */
static void
drop_ins(void **state)
{
	struct folder *f = *state;
	struct wh_buf problems = WH_BUF_NULL;
	struct wh_config *c = NULL;
	char folder[300], main_file[300];

	snprintf(folder, sizeof(folder), "%s/c.d", f->path);
	check("folder", mkdir(folder, 0755) == 0);
	folder_text(f, "c.d/20-b.conf", "[sync]\ninterval = 2s\n");
	folder_text(f, "c.d/10-a.conf", "[sync]\n\ninterval = 1s\nmax_shrink = 7\n");
	folder_text(f, "c.d/.hidden.conf", "[nope]\n");
	folder_text(f, "c.d/30-c.conf.bak", "[nope]\n");
	snprintf(main_file, sizeof(main_file), "%s", folder_text(f, "c", URL));
	check("load", wh_config_load(&c, main_file, &problems) == 0);
	check("last wins", c->sync_interval == 2000 && c->sync_max_shrink == 7);
	check("origin",
	      strstr(wh_config_origin(c, setting("sync", "interval")), "/c.d/20-b.conf:2"));
	check("origin", strstr(wh_config_origin(c, setting("upstream", "url")), "/c:2"));
	check("origin",
	      strcmp(wh_config_origin(c, setting("queue", "policy")), "default") == 0);
	wh_config_free(c);
	folder_text(f, "c.d/15-x.conf", "[sync]\ninterval = x\n");
	check("bad", wh_config_load(&c, main_file, &problems) == WH_EINVAL);
	check("bad", says(&problems, "/c.d/15-x.conf:2: sync.interval"));
	wh_buf_fini(&problems);
}

static void
print_back(void **state)
{
	const char *text =
		URL "rate = 0.5\nkey_file = /etc/whd/key\n[access]\nread = root @root\n"
		    "[socket]\nmode = 0600\n[log]\nlevel = debug\n";
	struct wh_buf problems = WH_BUF_NULL, once = WH_BUF_NULL, again = WH_BUF_NULL;
	struct wh_config *c = NULL;

	check("load", wh_config_load(&c, folder_text(*state, "c", text), &problems) == 0);
	wh_config_print(c, &once);
	c = wh_config_free(c);
	check("again", wh_config_load(&c, folder_write(*state, "d", once.p, once.n, 0600),
				      &problems) == 0);
	wh_config_print(c, &again);
	check("same", holds(&again, once.p, once.n));
	check("value", c->upstream_rate == 500 && strcmp(c->access_read, "root @root") == 0);
	check("set", says(&once, "\nrate = 0.5\n") && says(&once, "\nmode = 0600\n"));
	check("defaults",
	      says(&once, "\n#interval = 1min\n") && says(&once, "\n#burst = 10\n"));
	wh_config_free(c);
	wh_buf_fini(&problems);
	wh_buf_fini(&once);
	wh_buf_fini(&again);
}

static void
adopt(void **state)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_config *cur = NULL, *fresh = NULL;

	check("old",
	      wh_config_load(&cur, folder_text(*state, "c", URL "[sync]\ninterval = 1s\n"),
			     &text) == 0);
	const char *url = cur->upstream_url;

	check("new",
	      wh_config_load(&fresh,
			     folder_text(*state, "c",
					 "[upstream]\nurl = https://b.example/y\n[sync]\n"
					 "interval = 2s\n[queue]\npolicy = manual\n"
					 "[socket]\npath = /other\n"),
			     &text) == 0);
	wh_config_adopt(&cur, fresh, &text);
	check("restart", wh_str_is(wh_buf_view(&text), "upstream.url, socket.path"));
	check("the text stays where it was", cur->upstream_url == url);
	check("kept", strstr(cur->upstream_url, "api.example.com"));
	check("kept", strcmp(cur->socket_path, "/run/whd/whd.sock") == 0);
	check("taken", cur->sync_interval == 2000 && strcmp(cur->queue_policy, "manual") == 0);
	check("origin", strstr(wh_config_origin(cur, setting("sync", "interval")), "/c:4"));
	check("stale", wh_config_stale_after(cur) == 6000);
	wh_config_free(cur);
	wh_buf_fini(&text);
}

/* Every default is legal and prints back to itself, so that the manual can show it. */
static void
defaults(void **state)
{
	struct wh_buf problems = WH_BUF_NULL;
	struct wh_config *c = NULL;

	check("load", wh_config_load(&c, folder_text(*state, "c", URL), &problems) == 0);
	check("a",
	      c->limits_frame == 262144 && c->sync_interval == 60000 && c->socket_mode == 0660);
	check("b", c->store_max_size == INT64_C(17179869184) && !c->upstream_allow_http);
	check("c", strcmp(c->queue_policy, "merge") == 0 && strcmp(c->log_level, "info") == 0);
	check("d", wh_config_stale_after(c) == 180000 && c->history_max_age == 2592000000);
	wh_config_free(c);
	wh_buf_fini(&problems);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(values),   in_folder(texts),      in_folder(all_problems),
		in_folder(nul_byte), in_folder(long_lines), in_folder(files),
		in_folder(drop_ins), in_folder(print_back), in_folder(adopt),
		in_folder(defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
