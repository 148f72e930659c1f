/* SPDX-License-Identifier: MIT */
/*
 * JSON as an upstream may write it: names in any case, ids under any name,
 * sets in any form, lists bare, wrapped or in pages.
 */
#include "tests/sim/render.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_MARK "after="

static void
add_text(struct wh_buf *out, const char *text)
{
	wh_buf_byte(out, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			wh_buf_byte(out, '\\');
		wh_buf_byte(out, *c);
	}
	wh_buf_byte(out, '"');
}

static void
add_name(const struct sim_world *w, struct wh_buf *out, const char *name)
{
	char cased[64];

	snprintf(cased, sizeof(cased), "%s", name);
	for (char *c = cased; *c; c++) {
		if (w->ways.names == SIM_names_LOWER)
			*c = (char)tolower((unsigned char)*c);
		else if (w->ways.names == SIM_names_UPPER)
			*c = (char)toupper((unsigned char)*c);
	}
	add_text(out, cased);
	wh_buf_byte(out, ':');
}

static void
add_id(const struct sim_world *w, struct wh_buf *out, const char *whid, bool in_list)
{
	char id[SIM_ID];

	snprintf(id, sizeof(id), "%s", whid);
	for (char *c = id; *c && in_list && w->ways.id_form == SIM_id_form_GUID_UPPER; c++)
		*c = (char)toupper((unsigned char)*c);
	add_text(out, sim_way_str(w->ways.id_name));
	wh_buf_byte(out, ':');
	if (w->ways.id_form == SIM_id_form_NUMBER)
		wh_buf_c(out, id);
	else
		add_text(out, id);
}

static void
add_commas(struct wh_buf *out, const struct sim_doc *doc)
{
	wh_buf_byte(out, '"');
	for (unsigned i = 0; i < doc->n_items; i++)
		wh_buf_printf(out, "%s%s", i ? ", " : "", doc->item[i]);
	wh_buf_byte(out, '"');
}

static void
add_array(const struct sim_world *w, struct wh_buf *out, const struct sim_doc *doc)
{
	wh_buf_byte(out, '[');
	for (unsigned i = 0; i < doc->n_items; i++) {
		if (i)
			wh_buf_byte(out, ',');
		if (w->ways.set == SIM_set_OBJECTS)
			wh_buf_c(out, "{\"processId\":");
		add_text(out, doc->item[i]);
		if (w->ways.set == SIM_set_OBJECTS)
			wh_buf_byte(out, '}');
	}
	wh_buf_byte(out, ']');
}

static void
add_set(const struct sim_world *w, struct wh_buf *out, const struct sim_doc *doc)
{
	if (w->ways.set == SIM_set_COMMAS)
		add_commas(out, doc);
	else if (w->ways.set == SIM_set_NULL_IF_EMPTY && doc->n_items == 0)
		wh_buf_c(out, "null");
	else
		add_array(w, out, doc);
}

/* A member that holds nothing may be null or not be there. */
static void
add_member(const struct sim_world *w, struct wh_buf *out, unsigned f, const struct sim_doc *doc)
{
	bool set = f == SIM_SET, blank = set ? doc->n_items == 0 : doc->text[f][0] == '\0';

	if (blank && w->ways.blank == SIM_blank_ABSENT && !set)
		return;
	if (blank && w->ways.set == SIM_set_ABSENT_IF_EMPTY && set)
		return;
	wh_buf_byte(out, ',');
	add_name(w, out, wh_fields[f].name);
	if (set)
		add_set(w, out, doc);
	else if (blank && w->ways.blank == SIM_blank_NULL_VALUE)
		wh_buf_c(out, "null");
	else
		add_text(out, doc->text[f]);
}

void
sim_render_row(const struct sim_world *w, struct wh_buf *out, size_t row,
	       const struct sim_version *v, bool in_list)
{
	const struct sim_row *r = &w->rows[row];

	wh_buf_byte(out, '{');
	add_id(w, out, r->whid, in_list);
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		add_member(w, out, f, &v->doc);
	if (w->ways.more == SIM_more_UNKNOWN_MEMBERS)
		wh_buf_printf(out,
			      ",\"active\":true,\"born\":%zu,\"meta\":{\"tags\":[\"a\",null,"
			      "1.5],\"owner\":{\"name\":\"n%zu\"}}",
			      row, row % 3);
	wh_buf_byte(out, '}');
}

/* ------------------------------------------------------------------- lists -- */

static void
add_rows(const struct sim_world *w, struct wh_buf *out, const struct sim_shown *s)
{
	wh_buf_byte(out, '[');
	for (size_t i = 0; i < s->n; i++) {
		const struct sim_row *r = &w->rows[s->rows[i]];

		if (i)
			wh_buf_c(out, ", ");
		sim_render_row(w, out, s->rows[i], sim_row_now(r), true);
	}
	wh_buf_byte(out, ']');
}

static void
add_link(struct wh_buf *out, size_t next)
{
	wh_buf_printf(out, "https://api.example/webhookconfig?%s%zu", PAGE_MARK, next);
}

static void
add_wrapped(const struct sim_world *w, struct wh_buf *out, const struct sim_shown *s)
{
	bool odata = w->ways.list == SIM_list_PAGED_ODATA;

	wh_buf_printf(out, "{\"%s\" : ", sim_way_str(w->ways.wrap));
	add_rows(w, out, s);
	if (w->ways.list == SIM_list_WRAPPED_TOTAL)
		wh_buf_printf(out, ",\"total\":%zu", s->total);
	if ((w->ways.list == SIM_list_PAGED_BODY || odata) && s->next) {
		wh_buf_c(out, odata ? ",\"@odata.nextLink\":\"" : ",\"nextLink\":\"");
		add_link(out, s->next);
		wh_buf_byte(out, '"');
	}
	wh_buf_byte(out, '}');
}

/* No row or one, shown otherwise than as a list. */
static bool
add_few(const struct sim_world *w, struct wh_buf *out, const struct sim_shown *s)
{
	if (w->ways.few == SIM_few_ALWAYS_LIST || !s->first || s->next || s->n > 1)
		return false;
	if (s->n == 1 && w->ways.few == SIM_few_NULL_OBJECT) {
		sim_render_row(w, out, s->rows[0], sim_row_now(&w->rows[s->rows[0]]), true);
		return true;
	}
	if (s->n == 0 && w->ways.few == SIM_few_NULL_OBJECT)
		wh_buf_c(out, "null");
	return s->n == 0;
}

void
sim_render_page(const struct sim_world *w, struct wh_buf *out, const struct sim_shown *s,
		struct wh_buf *link)
{
	bool wrapped =
		w->ways.list == SIM_list_WRAPPED || w->ways.list == SIM_list_WRAPPED_TOTAL ||
		w->ways.list == SIM_list_PAGED_BODY || w->ways.list == SIM_list_PAGED_ODATA;

	if (w->ways.bom == SIM_bom_IN_FRONT)
		wh_buf_c(out, "\xef\xbb\xbf");
	if (add_few(w, out, s))
		return;
	if (wrapped)
		add_wrapped(w, out, s);
	else
		add_rows(w, out, s);
	if (w->ways.list == SIM_list_PAGED_HEADER && s->next)
		add_link(link, s->next);
}

size_t
sim_render_page_of(struct wh_str link)
{
	const char *at = link.n ? memmem(link.p, link.n, PAGE_MARK, strlen(PAGE_MARK)) : NULL;
	int64_t n = 0;

	if (!at)
		return 0;
	at += strlen(PAGE_MARK);
	return wh_parse_i64(wh_str(at, link.n - (size_t)(at - link.p)), 0, INT32_MAX, &n)
		       ? (size_t)n
		       : 0;
}
