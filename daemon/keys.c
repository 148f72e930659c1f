/* SPDX-License-Identifier: MIT */
/*
 * Reads the subscription keys and keeps them for as short as can be: every
 * buffer that held one is wiped before it is freed.
 *
 * The loop thread loads them at start and reload; the pump asks for the text
 * when it makes a request. Sentences name the file and the line, never a key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keys.h"

#define FILE_MAX 65536

struct wh_keys {
	size_t n, active;
	struct key {
		size_t len;
		char text[WH_KEY_TEXT_MAX];
	} key[WH_KEYS_MAX];
};

/* What was read, and where it came from. */
struct source {
	const char *file;
	bool credential; /* in $CREDENTIALS_DIRECTORY: the folder is judged */
	char bytes[FILE_MAX];
	size_t n;
};

static int
refuse(struct wh_buf *text, const char *file, const char *sentence)
{
	wh_buf_printf(text, "%s: %s", file, sentence);
	return WH_EINVAL;
}

static int
refuse_errno(struct wh_buf *text, const char *file, const char *next)
{
	wh_buf_printf(text, "%s: cannot be read (%s): %s", file, strerror(errno), next);
	return WH_ESYS;
}

static bool
owner_is_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* systemd hands credentials out readable by a group, in a folder that keeps others out. */
static int
judge_folder(const char *folder, struct wh_buf *text)
{
	struct stat st;

	if (lstat(folder, &st) != 0)
		return refuse_errno(text, folder,
				    "is whd started by systemd with LoadCredential=?");
	if (!S_ISDIR(st.st_mode))
		return refuse(text, folder, "$CREDENTIALS_DIRECTORY is no folder: correct it");
	if (!owner_is_trusted(&st) || (st.st_mode & (S_IWGRP | S_IRWXO)))
		return refuse(
			text, folder,
			"others may enter the folder of credentials: chmod o-rwx,g-w it, and "
			"let it belong to root or whd's user");
	return 0;
}

static int
judge_file(const struct source *s, const struct stat *st, struct wh_buf *text)
{
	if (!S_ISREG(st->st_mode))
		return refuse(text, s->file, "is no regular file: put the keys into one");
	if (st->st_size > FILE_MAX)
		return refuse(text, s->file, "is larger than 64 KiB: that is no file of keys");
	if (s->credential)
		return 0;
	if (!owner_is_trusted(st))
		return refuse(text, s->file,
			      "belongs to neither root nor whd's own user: chown it");
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return refuse(text, s->file,
			      "can be reached by its group or by others: chmod 0600 it");
	return 0;
}

static int
read_open_file(struct source *s, int fd, struct wh_buf *text)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return refuse_errno(text, s->file, "correct its permissions");
	int r = judge_file(s, &st, text);

	while (r == 0 && s->n < sizeof(s->bytes)) {
		ssize_t n = read(fd, s->bytes + s->n, sizeof(s->bytes) - s->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(text, s->file, "correct the file");
		if (n == 0)
			break;
		s->n += (size_t)n;
	}
	return r;
}

static int
read_file(struct source *s, struct wh_buf *text)
{
	int fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP)
		return refuse(text, s->file, "is a symbolic link: name the file itself");
	if (fd < 0)
		return refuse_errno(text, s->file,
				    "create it with one subscription key a line, or correct "
				    "upstream.key_file");
	int r = read_open_file(s, fd, text);

	close(fd);
	return r;
}

/* -------------------------------------------------------------- content -- */

static int
refuse_line(struct wh_buf *text, const char *file, unsigned line, const char *sentence)
{
	wh_buf_printf(text, "%s:%u: %s", file, line, sentence);
	return WH_EINVAL;
}

static struct wh_str
strip(struct wh_str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = wh_str(s.p + 1, s.n - 1);
	return s;
}

static bool
is_printable(struct wh_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

static bool
has_key(const struct wh_keys *k, struct wh_str key)
{
	for (size_t i = 0; i < k->n; i++)
		if (wh_str_eq(wh_keys_text(k, i), key))
			return true;
	return false;
}

static int
take_line(struct wh_keys *k, const char *file, unsigned line, struct wh_str key,
	  struct wh_buf *text)
{
	if (key.n == 0 || key.p[0] == '#')
		return 0;
	if (!is_printable(key))
		return refuse_line(
			text, file, line,
			"a key holds a space or a byte that is not printable ASCII: one "
			"key a line, nothing else");
	if (key.n > WH_KEY_TEXT_MAX)
		return refuse_line(text, file, line,
				   "a key is longer than 512 bytes: correct it");
	if (has_key(k, key))
		return refuse_line(text, file, line, "a key stands there twice: take one out");
	if (k->n == WH_KEYS_MAX)
		return refuse_line(text, file, line,
				   "there are more than 16 keys: take some out");
	k->key[k->n].len = key.n;
	memcpy(k->key[k->n].text, key.p, key.n);
	k->n++;
	return 0;
}

static int
take_lines(struct wh_keys *k, const struct source *s, struct wh_buf *text)
{
	struct wh_str rest = wh_str(s->bytes, s->n);
	int r = 0;

	for (unsigned line = 1; r == 0 && rest.n > 0; line++) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		r = take_line(k, s->file, line, strip(wh_str(rest.p, n)), text);
		n += end ? 1 : 0;
		rest = wh_str(rest.p + n, rest.n - n);
	}
	if (r == 0 && k->n == 0)
		r = refuse(
			text, s->file,
			"holds no key: write one subscription key a line; keys come from the "
			"API's developer portal or its support");
	return r;
}

static int
load(struct wh_keys **ret, struct source *s, struct wh_buf *text)
{
	int r = read_file(s, text);

	if (r)
		return r;
	struct wh_keys *k = wh_xcalloc(1, sizeof(*k));

	r = take_lines(k, s, text);
	if (r) {
		wh_keys_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

static bool
is_below(const char *file, const char *folder)
{
	size_t n = folder ? strlen(folder) : 0;

	return n > 0 && strncmp(file, folder, n) == 0 && file[n] == '/' &&
	       !strchr(file + n + 1, '/');
}

static int
load_from(struct wh_keys **ret, const char *file, const char *folder, struct wh_buf *text)
{
	struct source *s = wh_xcalloc(1, sizeof(*s));
	int r = 0;

	s->file = file;
	s->credential = is_below(file, folder);
	if (s->credential)
		r = judge_folder(folder, text);
	if (r == 0)
		r = load(ret, s, text);
	explicit_bzero(s, sizeof(*s));
	free(s);
	return r;
}

char *
wh_keys_path(const char *file)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct wh_buf path = WH_BUF_NULL;

	if (file && *file)
		wh_buf_c(&path, file);
	else if (folder && *folder)
		wh_buf_printf(&path, "%s/subscription-key", folder);
	wh_buf_byte(&path, '\0');
	wh_require(path.fault == 0);
	return path.p;
}

int
wh_keys_load(struct wh_keys **ret, const char *file, struct wh_buf *text)
{
	char *path = wh_keys_path(file);
	int r = WH_EINVAL;

	if (*path)
		r = load_from(ret, path, getenv("CREDENTIALS_DIRECTORY"), text);
	else
		wh_buf_c(text,
			 "no subscription key is given: set upstream.key_file, or let systemd "
			 "pass one by LoadCredential=subscription-key:FILE");
	free(path);
	return r;
}

struct wh_keys *
wh_keys_free(struct wh_keys *k)
{
	if (!k)
		return NULL;
	explicit_bzero(k, sizeof(*k));
	free(k);
	return NULL;
}

size_t
wh_keys_count(const struct wh_keys *k)
{
	return k->n;
}

size_t
wh_keys_active(const struct wh_keys *k)
{
	return k->active;
}

struct wh_str
wh_keys_text(const struct wh_keys *k, size_t i)
{
	wh_require(i < k->n);
	return wh_str(k->key[i].text, k->key[i].len);
}

void
wh_keys_activate(struct wh_keys *k, size_t i)
{
	wh_require(i < k->n);
	k->active = i;
}

bool
wh_keys_same(const struct wh_keys *a, const struct wh_keys *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!wh_str_eq(wh_keys_text(a, i), wh_keys_text(b, i)))
			return false;
	return true;
}
