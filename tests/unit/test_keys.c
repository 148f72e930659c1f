/* SPDX-License-Identifier: MIT */
/*
 * daemon/keys.c: which files of keys are taken, and that no sentence about one
 * holds a key.
 */
#include "daemon/keys.h"
#include "tests/unit/rows.h"
#include "tests/unit/shell_fixture.h"

#define SECRET "0123456789abcdefSECRET"

static int
load(const char *file, struct wh_keys **ret, struct wh_buf *text)
{
	int r = wh_keys_load(ret, file, text);

	check(file ? file : "credentials", !says(text, "SECRET"));
	return r;
}

struct content_row {
	const char *what;
	const char *text;
	size_t keys;     /* 0: refused ... */
	const char *why; /* ... with this */
};

static const struct content_row content_rows[] = {
	{"one", SECRET "\n", 1, NULL},
	{"no line end", SECRET, 1, NULL},
	{"two", SECRET "\nother\n", 2, NULL},
	{"blank lines, blanks, comments", "\n# old\n  " SECRET " \t\r\n\nother\n", 2, NULL},
	{"empty", "", 0, "holds no key"},
	{"comments only", "# a\n\n", 0, "holds no key"},
	{"space inside", "a\n" SECRET " x\n", 0, ":2: a key holds a space"},
	{"control byte", SECRET "\x01\n", 0, ":1: a key holds"},
	{"not ASCII", SECRET "\xc3\xa4\n", 0, "printable ASCII"},
	{"twice", SECRET "\nb\n" SECRET "\n", 0, ":3: a key stands there twice"},
	{"too many", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n", 0,
	 "more than 16"},
	{"most", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n", 16, NULL},
};

static void
contents(void **state)
{
	for (size_t i = 0; i < wh_array_len(content_rows); i++) {
		const struct content_row *row = &content_rows[i];
		const char *file = folder_text(*state, "keys", row->text);
		struct wh_buf text = WH_BUF_NULL;
		struct wh_keys *k = NULL;
		int r = load(file, &k, &text);

		if (row->keys > 0) {
			check(row->what, r == 0 && wh_keys_count(k) == row->keys);
		} else {
			check(row->what, r == WH_EINVAL && says(&text, row->why));
			check(row->what, says(&text, file));
		}
		wh_keys_free(k);
		wh_buf_fini(&text);
	}
}

static void
long_keys(void **state)
{
	char bytes[WH_KEY_TEXT_MAX + 1];
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *k = NULL;

	memset(bytes, 'k', sizeof(bytes));
	const char *file = folder_write(*state, "keys", bytes, WH_KEY_TEXT_MAX, 0600);

	check("longest", load(file, &k, &text) == 0);
	check("longest", wh_keys_text(k, 0).n == WH_KEY_TEXT_MAX);
	k = wh_keys_free(k);
	file = folder_write(*state, "keys", bytes, sizeof(bytes), 0600);
	check("longer", load(file, &k, &text) == WH_EINVAL && says(&text, "512"));
	wh_buf_fini(&text);
}

static void
permissions(void **state)
{
	static const mode_t refused[] = {0640, 0604, 0620, 0644, 0660, 0601};
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *k = NULL;

	for (size_t i = 0; i < wh_array_len(refused); i++) {
		const char *file = folder_write(*state, "keys", SECRET, 22, refused[i]);

		wh_buf_reset(&text);
		check("mode", load(file, &k, &text) == WH_EINVAL && says(&text, "chmod 0600"));
	}
	check("mode 0400",
	      load(folder_write(*state, "keys", SECRET, 22, 0400), &k, &text) == 0);
	wh_keys_free(k);
	wh_buf_fini(&text);
}

static void
not_files(void **state)
{
	struct folder *f = *state;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *k = NULL;
	char link[300];

	snprintf(link, sizeof(link), "%s/link", f->path);
	check("link", symlink(folder_text(f, "keys", SECRET), link) == 0);
	check("link", load(link, &k, &text) == WH_EINVAL && says(&text, "symbolic link"));
	check("fifo", mkfifo(folder_path(f, "fifo"), 0600) == 0);
	check("fifo", load(f->file, &k, &text) == WH_EINVAL && says(&text, "no regular file"));
	check("folder", load(f->path, &k, &text) == WH_EINVAL);
	check("absent", load(folder_path(f, "absent"), &k, &text) == WH_ESYS &&
				says(&text, "No such file"));
	check("huge", truncate(folder_text(f, "huge", SECRET), 100 << 20) == 0);
	check("huge", load(f->file, &k, &text) == WH_EINVAL && says(&text, "64 KiB"));
	wh_buf_fini(&text);
}

/* There the folder is judged, as systemd lets the files be read by a group. */
static void
credentials(void **state)
{
	struct folder *f = *state;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *k = NULL;

	unsetenv("CREDENTIALS_DIRECTORY");
	check("none", load(NULL, &k, &text) == WH_EINVAL && says(&text, "key_file"));
	setenv("CREDENTIALS_DIRECTORY", f->path, 1);
	check("absent", load("", &k, &text) == WH_ESYS);
	folder_write(f, "subscription-key", SECRET, 22, 0440);
	check("0440", load(NULL, &k, &text) == 0);
	k = wh_keys_free(k);
	check("named", load(folder_path(f, "subscription-key"), &k, &text) == 0);
	k = wh_keys_free(k);
	check("open folder", chmod(f->path, 0701) == 0);
	check("open folder",
	      load(NULL, &k, &text) == WH_EINVAL && says(&text, "others may enter"));
	unsetenv("CREDENTIALS_DIRECTORY");
	wh_buf_fini(&text);
}

static void
in_use(void **state)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *a = NULL, *b = NULL, *c = NULL;

	check("a", load(folder_text(*state, "a", "one\ntwo\n"), &a, &text) == 0);
	check("b", load(folder_text(*state, "b", "one\ntwo\n"), &b, &text) == 0);
	check("c", load(folder_text(*state, "c", "two\none\n"), &c, &text) == 0);
	check("same", wh_keys_same(a, b));
	check("order counts", !wh_keys_same(a, c));
	check("first", wh_keys_active(a) == 0 && wh_str_is(wh_keys_text(a, 0), "one"));
	wh_keys_activate(a, 1);
	check("second", wh_keys_active(a) == 1 && wh_keys_same(a, b));
	wh_keys_free(a);
	wh_keys_free(b);
	wh_keys_free(c);
	wh_buf_fini(&text);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(contents),  in_folder(long_keys),   in_folder(permissions),
		in_folder(not_files), in_folder(credentials), in_folder(in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
