/* SPDX-License-Identifier: MIT */
/*
 * The settings of daemon/config.def as mdoc (whd.conf.5) and as a commented
 * INI file (whd.conf.example). Read describe.h first.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/config_value.h"
#include "tests/tools/describe.h"

#define LIVE true
#define RESTART false

static const struct row {
	const char *section, *key;
	enum wh_value_type type;
	const char *def;
	int64_t min, max;
	bool live;
	const char *help;
} rows[] = {
#define WH_SET(section, key, type, def, min, max, reload, help)                                \
	{#section, #key, WH_VALUE_##type, def, min, max, reload, help},
#include "daemon/config.def"
#undef WH_SET
};

/* The default of a setting that is one of some words is the first of them. */
static int
default_length(const struct row *r)
{
	return (int)(r->type == WH_VALUE_WORD ? strcspn(r->def, "|") : strlen(r->def));
}

static bool
begins_section(size_t i)
{
	return i == 0 || strcmp(rows[i].section, rows[i - 1].section) != 0;
}

/* A bound as it would be written in the file. */
static void
print_bound(FILE *out, const struct row *r, int64_t bound)
{
	struct wh_value v = {.number = bound};
	struct wh_buf b = WH_BUF_NULL;

	wh_value_print(r->type, &v, &b);
	fprintf(out, "%.*s", WH_STR_FMT(wh_buf_view(&b)));
	wh_buf_fini(&b);
}

static void
print_range(FILE *out, const struct row *r)
{
	print_bound(out, r, r->min);
	fputs(" to ", out);
	print_bound(out, r, r->max);
}

/* What may be written, in words. */
static void
print_legal(FILE *out, const struct row *r)
{
	switch (r->type) {
	case WH_VALUE_TEXT:
	case WH_VALUE_PATH:
		fprintf(out, "%s of at most %" PRId64 " bytes",
			r->type == WH_VALUE_PATH ? "a path" : "text", r->max);
		return;
	case WH_VALUE_LIST:
		fputs("words, spaces between them", out);
		return;
	case WH_VALUE_BOOL:
		fputs("yes or no", out);
		return;
	case WH_VALUE_WORD:
		for (const char *p = r->def; *p; p++)
			fprintf(out, *p == '|' ? ", " : "%c", *p);
		return;
	case WH_VALUE_DURATION:
		fputs("a duration, ", out);
		break;
	case WH_VALUE_SIZE:
		fputs("a size, ", out);
		break;
	case WH_VALUE_RATE:
		fputs("requests a second, ", out);
		break;
	case WH_VALUE_COUNT:
	case WH_VALUE_MODE:
	case WH_VALUE_PERCENT:
		break;
	}
	print_range(out, r);
}

/* ------------------------------------------------------------------- mdoc -- */

static void
print_setting(FILE *out, const struct row *r)
{
	fprintf(out, ".It Ic %s\n", r->key);
	fprintf(out, "%s.\n", r->help);
	fputs("Legal: ", out);
	print_legal(out, r);
	fputs(".\n", out);
	if (*r->def)
		fprintf(out, "Default: %.*s.\n", default_length(r), r->def);
	if (!r->live)
		fputs("Needs a restart.\n", out);
}

void
wh_manual_settings(FILE *out)
{
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		if (begins_section(i))
			fprintf(out, "%s.Ss Section %s\n.Bl -tag -width Ds\n", i ? ".El\n" : "",
				rows[i].section);
		print_setting(out, &rows[i]);
	}
	fputs(".El\n", out);
}

/* -------------------------------------------------------------------- INI -- */

void
wh_example_settings(FILE *out)
{
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		const struct row *r = &rows[i];

		if (begins_section(i))
			fprintf(out, "%s[%s]\n", i ? "\n" : "", r->section);
		fprintf(out, "# %s%s\n# (", r->help, r->live ? "" : "; needs a restart");
		print_legal(out, r);
		fprintf(out, ")\n#%s =%s%.*s\n", r->key, *r->def ? " " : "", default_length(r),
			r->def);
	}
}
