/* SPDX-License-Identifier: MIT */
/*
 * The configuration: read from INI with drop-ins, checked against config.def,
 * printed back. A bad one is refused with file:line, the key and the nearest
 * known key, and nothing of it takes effect. Users and groups of [access] are
 * looked up as part of the check.
 *
 * Loaded on the main thread at start and on the loop at reload; the structure
 * is constant afterwards. Text members belong to it.
 */
#pragma once

#include "proto/buf.h"

typedef const char *wh_set_TEXT;
typedef const char *wh_set_PATH;
typedef const char *wh_set_LIST;
typedef const char *wh_set_WORD;
typedef bool wh_set_BOOL;
typedef int64_t wh_set_COUNT;
typedef int64_t wh_set_DURATION; /* ms */
typedef int64_t wh_set_SIZE;     /* bytes */
typedef int64_t wh_set_MODE;
typedef int64_t wh_set_PERCENT;
typedef int64_t wh_set_RATE; /* 1/1000 requests a second */

/* One member per setting, named section_key. */
struct wh_config {
#define WH_SET(section, key, type, def, min, max, reload, help) wh_set_##type section##_##key;
#include "daemon/config.def"
#undef WH_SET
	struct wh_config_origin *origins; /* where each value came from; config.c's own */
	char *file;                       /* the main file's path */
};

struct wh_setting_info {
	const char *section, *key, *type, *def;
	int64_t min, max;
	bool live; /* a reload takes it */
	const char *help;
};
extern const struct wh_setting_info wh_settings[];
extern const size_t wh_settings_n;

/*
 * Reads `file` and its drop-ins (`file`.d/ *.conf in byte order). On a fault
 * every problem found is one line in `text`: "file:line: section.key: what,
 * what to do". File rules: regular, not writable by group or others.
 */
WH_MUST_USE int wh_config_load(struct wh_config **ret, const char *file, struct wh_buf *text);
struct wh_config *wh_config_free(struct wh_config *c); /* NULL is fine */
/* The value of setting i as text, as it would be written in the file. */
void wh_config_value(const struct wh_config *c, size_t i, struct wh_buf *out);
/* "default", or "file:line". */
const char *wh_config_origin(const struct wh_config *c, size_t i);
/* Appends "file:line: section.key: ", or with the main file alone if the value is the default:
 * how every sentence about a setting begins. */
void wh_config_where(const struct wh_config *c, const char *section, const char *key,
		     struct wh_buf *out);
/* The whole configuration as an INI text that parses back to the same; what no file set stands
 * there as a comment, "#key = value". */
void wh_config_print(const struct wh_config *c, struct wh_buf *out);
/*
 * Takes the LIVE settings of `fresh` into force; names of changed RESTART
 * settings are listed in `ret_restart` ("socket.path, store.path"). fresh is
 * consumed; the old one is freed; *cur replaced. RESTART settings keep their old value.
 */
void wh_config_adopt(struct wh_config **cur, struct wh_config *fresh,
		     struct wh_buf *ret_restart);
/* stale_after in force: the setting, or three intervals. */
int64_t wh_config_stale_after(const struct wh_config *c);
