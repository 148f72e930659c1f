/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a whole: its table, its loading, taking over and
 * printing.
 *
 * main.c loads it before anything else runs; the loop loads it again on a
 * reload. A loaded one is constant. It holds no secret: keys are in files of
 * their own. It never logs: what is wrong goes to the caller as text.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_value.h"

#define LIVE true
#define RESTART false

const struct wh_setting_info wh_settings[] = {
#define WH_SET(section, key, type, def, min, max, reload, help)                                \
	{#section, #key, #type, def, min, max, reload, help},
#include "daemon/config.def"
#undef WH_SET
};

const size_t wh_settings_n = wh_array_len(wh_settings);

#undef LIVE
#undef RESTART

/* Where the member of each setting is. */
struct place {
	enum wh_value_type type;
	size_t offset;
};

static const struct place places[] = {
#define WH_SET(section, key, type, def, min, max, reload, help)                                \
	{WH_VALUE_##type, offsetof(struct wh_config, section##_##key)},
#include "daemon/config.def"
#undef WH_SET
};

struct wh_config_origin {
	char *where; /* "file:line"; NULL = the default */
	char *text;  /* what a text member points to */
};

static struct wh_value
get_value(const struct wh_config *c, size_t i)
{
	const char *at = (const char *)c + places[i].offset;
	struct wh_value v = {0};

	if (wh_value_is_text(places[i].type))
		v.text = c->origins[i].text;
	else if (places[i].type == WH_VALUE_BOOL)
		v.number = *at;
	else
		memcpy(&v.number, at, sizeof(v.number));
	return v;
}

static void
put_value(struct wh_config *c, size_t i, struct wh_value v)
{
	char *at = (char *)c + places[i].offset;
	const char *text = v.text;
	bool yes = v.number != 0;

	if (wh_value_is_text(places[i].type)) {
		c->origins[i].text = v.text;
		memcpy(at, &text, sizeof(text));
	} else if (places[i].type == WH_VALUE_BOOL) {
		memcpy(at, &yes, sizeof(yes));
	} else {
		memcpy(at, &v.number, sizeof(v.number));
	}
}

static bool
same_value(const struct wh_config *a, const struct wh_config *b, size_t i)
{
	struct wh_value va = get_value(a, i), vb = get_value(b, i);

	if (wh_value_is_text(places[i].type))
		return strcmp(va.text, vb.text) == 0;
	return va.number == vb.number;
}

bool
wh_config_draft_problem(struct wh_config_draft *d)
{
	const unsigned most = 100;

	d->problems++;
	if (d->problems == most + 1)
		wh_buf_c(d->text, "further problems are not listed: correct these first\n");
	return d->problems <= most;
}

int
wh_config_draft_set(struct wh_config_draft *d, size_t i, struct wh_str text, const char *where,
		    struct wh_buf *why)
{
	struct wh_config_origin *origin = &d->config->origins[i];
	struct wh_value v;
	int r = wh_value_parse(&wh_settings[i], places[i].type, text, &v, why);

	if (r)
		return r;
	free(origin->text);
	free(origin->where);
	origin->text = NULL;
	origin->where = where ? wh_xstrdup(wh_str_c(where)) : NULL;
	put_value(d->config, i, v);
	return 0;
}

/* The default of a WORD is the first of those it may be. */
static struct wh_str
default_text(size_t i)
{
	struct wh_str def = wh_str_c(wh_settings[i].def);

	if (places[i].type == WH_VALUE_WORD)
		def.n = strcspn(def.p, "|");
	return def;
}

static struct wh_config *
config_of_defaults(const char *file)
{
	struct wh_config *c = wh_xcalloc(1, sizeof(*c));
	struct wh_buf why = WH_BUF_NULL;
	struct wh_config_draft d = {.config = c, .text = &why};

	c->origins = wh_xcalloc(wh_settings_n, sizeof(c->origins[0]));
	c->file = wh_xstrdup(wh_str_c(file));
	for (size_t i = 0; i < wh_settings_n; i++) {
		int r = wh_config_draft_set(&d, i, default_text(i), NULL, &why);

		wh_require(r == 0);
	}
	wh_buf_fini(&why);
	return c;
}

static int
is_drop_in(const struct dirent *e)
{
	struct wh_str name = wh_str_c(e->d_name);
	struct wh_str end = WH_STR(".conf");

	return e->d_name[0] != '.' && name.n > end.n &&
	       wh_str_eq(wh_str(name.p + name.n - end.n, end.n), end);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_drop_ins(struct wh_config_draft *d)
{
	struct wh_buf path = WH_BUF_NULL;
	struct dirent **names = NULL;

	wh_buf_printf(&path, "%s.d", d->config->file);
	wh_buf_byte(&path, '\0');
	size_t folder_n = path.n - 1;
	int n = path.fault ? 0 : scandir(path.p, &names, is_drop_in, by_bytes);

	if (n < 0 && errno != ENOENT && wh_config_draft_problem(d))
		wh_buf_printf(d->text,
			      "%s: cannot be read (%s): correct its permissions or remove it\n",
			      path.p, strerror(errno));
	for (int i = 0; i < n; i++) {
		path.n = folder_n;
		wh_buf_printf(&path, "/%s", names[i]->d_name);
		wh_buf_byte(&path, '\0');
		wh_config_draft_read(d, path.p);
		free(names[i]);
	}
	free(names);
	wh_buf_fini(&path);
}

int
wh_config_load(struct wh_config **ret, const char *file, struct wh_buf *text)
{
	struct wh_config_draft d = {.config = config_of_defaults(file), .text = text};

	wh_config_draft_read(&d, file);
	read_drop_ins(&d);
	if (d.problems == 0)
		wh_config_draft_check(&d);
	if (d.problems > 0) {
		wh_config_free(d.config);
		return WH_EINVAL;
	}
	*ret = d.config;
	return 0;
}

struct wh_config *
wh_config_free(struct wh_config *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < wh_settings_n; i++) {
		free(c->origins[i].where);
		free(c->origins[i].text);
	}
	free(c->origins);
	free(c->file);
	free(c);
	return NULL;
}

void
wh_config_value(const struct wh_config *c, size_t i, struct wh_buf *out)
{
	struct wh_value v = get_value(c, i);

	wh_value_print(places[i].type, &v, out);
}

const char *
wh_config_origin(const struct wh_config *c, size_t i)
{
	return c->origins[i].where ? c->origins[i].where : "default";
}

void
wh_config_where(const struct wh_config *c, const char *section, const char *key,
		struct wh_buf *out)
{
	const char *where = c->file;

	for (size_t i = 0; i < wh_settings_n; i++)
		if (strcmp(wh_settings[i].section, section) == 0 &&
		    strcmp(wh_settings[i].key, key) == 0 && c->origins[i].where)
			where = c->origins[i].where;
	wh_buf_printf(out, "%s: %s.%s: ", where, section, key);
}

void
wh_config_print(const struct wh_config *c, struct wh_buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < wh_settings_n; i++) {
		if (strcmp(section, wh_settings[i].section) != 0) {
			section = wh_settings[i].section;
			wh_buf_printf(out, "%s[%s]\n", i ? "\n" : "", section);
		}
		wh_buf_printf(out, "# %s\n%s%s = ", wh_settings[i].help,
			      c->origins[i].where ? "" : "#", wh_settings[i].key);
		wh_config_value(c, i, out);
		wh_buf_c(out, "\n");
	}
}

/* Exchanges value and origin of setting i between two configurations. */
static void
swap_setting(struct wh_config *a, struct wh_config *b, size_t i)
{
	struct wh_value va = get_value(a, i), vb = get_value(b, i);
	struct wh_config_origin oa = a->origins[i];

	a->origins[i] = b->origins[i];
	b->origins[i] = oa;
	put_value(a, i, vb);
	put_value(b, i, va);
}

void
wh_config_adopt(struct wh_config **cur, struct wh_config *fresh, struct wh_buf *ret_restart)
{
	for (size_t i = 0; i < wh_settings_n; i++) {
		if (wh_settings[i].live)
			continue;
		if (!same_value(*cur, fresh, i))
			wh_buf_printf(ret_restart, "%s%s.%s", ret_restart->n ? ", " : "",
				      wh_settings[i].section, wh_settings[i].key);
		swap_setting(*cur, fresh, i);
	}
	wh_config_free(*cur);
	*cur = fresh;
}

int64_t
wh_config_stale_after(const struct wh_config *c)
{
	return c->sync_stale_after ? c->sync_stale_after : 3 * c->sync_interval;
}
