/* SPDX-License-Identifier: MIT */
/*
 * Reads one configuration file: is it a file that may be trusted, and what do
 * its lines set.
 *
 * config.c calls it for the main file and each drop-in. inih splits lines into
 * names and values; this file hands it the lines, because inih cuts long ones
 * without a word, does not tell line numbers and stops counting errors at the
 * first. Each problem is reported with file and line; reading goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_value.h"
#include "proto/nearest.h"

#define FILE_MAX ((size_t)1 << 20)

struct reading {
	struct wh_config_draft *draft;
	const char *file;
	struct wh_str rest;    /* bytes not yet handed out */
	unsigned line;         /* number of the line handed out last */
	bool expects_setting;  /* that line must turn out to be key = value */
	bool skips;            /* its section is not known: reported once */
	unsigned *set_in_line; /* per setting: the line that set it; 0 = none */
};

/* Begins a line about the line at hand; NULL if there are too many already. */
static struct wh_buf *
problem(struct reading *r)
{
	if (!wh_config_draft_problem(r->draft))
		return NULL;
	wh_buf_printf(r->draft->text, "%s:%u: ", r->file, r->line);
	return r->draft->text;
}

static void
complain(struct reading *r, const char *sentence)
{
	struct wh_buf *text = problem(r);

	if (text)
		wh_buf_printf(text, "%s\n", sentence);
}

/* ------------------------------------------------------------- settings -- */

static size_t
find_setting(const char *section, const char *key)
{
	size_t i = 0;

	while (i < wh_settings_n && (strcmp(wh_settings[i].section, section) != 0 ||
				     strcmp(wh_settings[i].key, key) != 0))
		i++;
	return i;
}

/* The section another setting of this name is in, or NULL. */
static const char *
other_section(const char *key)
{
	for (size_t i = 0; i < wh_settings_n; i++)
		if (strcmp(wh_settings[i].key, key) == 0)
			return wh_settings[i].section;
	return NULL;
}

static void
complain_unknown(struct reading *r, const char *section, const char *key)
{
	struct wh_nearest nearest = wh_nearest_begin(wh_str_c(key));
	const char *other = other_section(key);
	struct wh_buf *text = problem(r);

	if (!text)
		return;
	for (size_t i = 0; i < wh_settings_n; i++)
		if (strcmp(wh_settings[i].section, section) == 0)
			wh_nearest_offer(&nearest, wh_settings[i].key);
	wh_buf_printf(text, "%s.", section);
	wh_buf_printable(text, wh_str_c(key), 64);
	wh_buf_c(text, ": there is no such setting");
	if (strchr(key, ' '))
		wh_buf_c(text, "; a line is KEY = VALUE: is the = missing?\n");
	else if (nearest.name)
		wh_buf_printf(text, "; did you mean %s?\n", nearest.name);
	else if (other)
		wh_buf_printf(text, "; %s belongs to [%s]\n", key, other);
	else
		wh_buf_printf(text, ": take the line out; whd.conf(5) lists those of [%s]\n",
			      section);
}

static void
complain_value(struct reading *r, size_t i, const struct wh_buf *why)
{
	struct wh_buf *text = problem(r);

	if (text)
		wh_buf_printf(text, "%s.%s: %.*s\n", wh_settings[i].section, wh_settings[i].key,
			      WH_STR_FMT(wh_buf_view(why)));
}

static void
complain_twice(struct reading *r, size_t i)
{
	struct wh_buf *text = problem(r);

	if (text)
		wh_buf_printf(
			text,
			"%s.%s: was set in line %u of this file already: keep one of the two\n",
			wh_settings[i].section, wh_settings[i].key, r->set_in_line[i]);
}

static void
take_setting(struct reading *r, size_t i, const char *value)
{
	struct wh_buf why = WH_BUF_NULL, where = WH_BUF_NULL;

	if (r->set_in_line[i]) {
		complain_twice(r, i);
		return;
	}
	r->set_in_line[i] = r->line;
	wh_buf_printf(&where, "%s:%u", r->file, r->line);
	wh_buf_byte(&where, '\0');
	if (wh_config_draft_set(r->draft, i, wh_str_c(value), where.p, &why))
		complain_value(r, i, &why);
	wh_buf_fini(&why);
	wh_buf_fini(&where);
}

/* inih has found a name and a value. */
static int
on_setting(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	size_t i = find_setting(section, name);

	r->expects_setting = false;
	if (r->skips)
		return 1;
	if (*section == '\0')
		complain(r, "a setting stands before the first [section]: move it into one");
	else if (i == wh_settings_n)
		complain_unknown(r, section, name);
	else
		take_setting(r, i, value);
	return 1;
}

/* ---------------------------------------------------------------- lines -- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct wh_str
strip(struct wh_str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = wh_str(s.p + 1, s.n - 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
is_comment(struct wh_str line)
{
	return line.n == 0 || line.p[0] == ';' || line.p[0] == '#';
}

static bool
has_bad_byte(struct wh_str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != '\t' && wh_control_len(wh_str(line.p + i, line.n - i)))
			return true;
	return !wh_utf8_valid(line);
}

static bool
section_is_known(struct wh_str name)
{
	for (size_t i = 0; i < wh_settings_n; i++)
		if (wh_str_is(name, wh_settings[i].section))
			return true;
	return false;
}

static void
complain_section(struct reading *r, struct wh_str name)
{
	struct wh_nearest nearest = wh_nearest_begin(name);
	struct wh_buf *text = problem(r);

	if (!text)
		return;
	for (size_t i = 0; i < wh_settings_n; i++)
		wh_nearest_offer(&nearest, wh_settings[i].section);
	wh_buf_c(text, "[");
	wh_buf_printable(text, name, 64);
	wh_buf_c(text, "]: there is no such section");
	if (nearest.name)
		wh_buf_printf(text, "; did you mean [%s]?\n", nearest.name);
	else
		wh_buf_c(text, ": whd.conf(5) lists them\n");
}

/* True if line is a section's head that inih may see. */
static bool
take_section(struct reading *r, struct wh_str line)
{
	const char *end = memchr(line.p, ']', line.n);

	r->skips = true;
	if (!end) {
		complain(r, "a section's head has no ]: write it as [name]");
		return false;
	}
	struct wh_str name = wh_str(line.p + 1, (size_t)(end - line.p) - 1);
	struct wh_str rest = strip(wh_str(end + 1, line.n - name.n - 2));

	if (!is_comment(rest)) {
		complain(r, "there is text behind a section's head: give it a line of its own");
		return false;
	}
	if (!section_is_known(name)) {
		complain_section(r, name);
		return false;
	}
	r->skips = false;
	return true;
}

/* True if inih is to see the line; otherwise it gets an empty one. */
static bool
line_is_usable(struct reading *r, struct wh_str line, size_t room)
{
	if (is_comment(line))
		return false;
	if (has_bad_byte(line)) {
		complain(r, "the line holds a control character or is not UTF-8: remove what "
			    "is not text");
		return false;
	}
	if (line.n > room) {
		struct wh_buf *text = problem(r);

		if (text)
			wh_buf_printf(
				text,
				"the line is %zu bytes long, at most %zu fit: shorten it\n",
				line.n, room);
		return false;
	}
	if (line.p[0] == '[')
		return take_section(r, line);
	r->expects_setting = true;
	return true;
}

static struct wh_str
cut_line(struct reading *r)
{
	const char *end = memchr(r->rest.p, '\n', r->rest.n);
	size_t n = end ? (size_t)(end - r->rest.p) : r->rest.n;
	struct wh_str line = wh_str(r->rest.p, n);

	n += end ? 1 : 0;
	r->rest = wh_str(r->rest.p + n, r->rest.n - n);
	r->line++;
	return strip(line);
}

/* What was handed out last must have become a setting by now. */
static void
settle_line(struct reading *r)
{
	if (r->expects_setting)
		complain(r, "the line is neither key = value nor [section]: correct it or put "
			    "# before it");
	r->expects_setting = false;
}

/*
 * inih's reader, in the manner of fgets. Blanks before a line are taken off:
 * inih would take an indented line as going on with the value before.
 */
static char *
on_line(char *str, int num, void *stream)
{
	const int line_end_and_nul = 3;
	struct reading *r = stream;

	settle_line(r);
	if (r->rest.n == 0 || num <= line_end_and_nul)
		return NULL;
	struct wh_str line = cut_line(r);
	size_t n = 0;

	if (line_is_usable(r, line, (size_t)(num - line_end_and_nul))) {
		memcpy(str, line.p, line.n);
		n = line.n;
	}
	str[n] = '\n';
	str[n + 1] = '\0';
	return str;
}

/* ----------------------------------------------------------------- file -- */

static const char *
distrust(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file: put one in its place";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to neither root nor whd's own user: chown it to root";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "may be written by its group or by others: chmod go-w it";
	if (st->st_size > (off_t)FILE_MAX)
		return "is larger than 1 MiB: that is no configuration";
	return NULL;
}

/* Reads until the end or one byte more than may be. */
static int
read_all(int fd, struct wh_buf *out)
{
	for (;;) {
		char *room = wh_buf_room(out, 4096);

		if (!room)
			return out->fault;
		ssize_t n = read(fd, room, 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? WH_ESYS : 0;
		out->n += (size_t)n;
	}
}

/* The text of the file, or a sentence why not in *ret_why. Not through a link, so that nobody
 * who may write to a folder above can make us read what he likes. */
static int
load_file(const char *file, struct wh_buf *out, const char **ret_why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*ret_why = NULL;
	if (fd < 0 && errno == ELOOP)
		*ret_why = "is a symbolic link: name the file itself";
	if (fd < 0)
		return WH_ESYS;
	int r = fstat(fd, &st) == 0 ? 0 : WH_ESYS;

	if (r == 0)
		*ret_why = distrust(&st);
	if (*ret_why)
		r = WH_EINVAL;
	if (r == 0)
		r = read_all(fd, out);
	if (r == WH_ELIMIT)
		*ret_why = "grows while it is read: try again when it is complete";
	int kept = errno;

	close(fd);
	errno = kept;
	return r;
}

static void
complain_file(struct wh_config_draft *d, const char *file, const char *why)
{
	if (!wh_config_draft_problem(d))
		return;
	if (why)
		wh_buf_printf(d->text, "%s: %s\n", file, why);
	else
		wh_buf_printf(d->text,
			      "%s: cannot be read (%s): create it or correct its permissions\n",
			      file, strerror(errno));
}

static void
read_lines(struct wh_config_draft *d, const char *file, struct wh_str text)
{
	struct wh_str bom = WH_STR("\xef\xbb\xbf");
	bool marked = text.n >= bom.n && memcmp(text.p, bom.p, bom.n) == 0;
	struct reading r = {
		.draft = d,
		.file = file,
		.rest = marked ? wh_str(text.p + bom.n, text.n - bom.n) : text,
		.set_in_line = wh_xcalloc(wh_settings_n, sizeof(unsigned)),
	};

	/* Its own account of errors is not needed: on_line and on_setting saw each line. */
	(void)ini_parse_stream(on_line, &r, on_setting, &r);
	free(r.set_in_line);
}

void
wh_config_draft_read(struct wh_config_draft *d, const char *file)
{
	struct wh_buf text = wh_buf_capped(FILE_MAX + 4096);
	const char *why;

	if (load_file(file, &text, &why))
		complain_file(d, file, why);
	else
		read_lines(d, file, wh_buf_view(&text));
	wh_buf_fini(&text);
}
