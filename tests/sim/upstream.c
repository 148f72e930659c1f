/* SPDX-License-Identifier: MIT */
/*
 * The upstream answers: changes are carried out on the model's rows, replies
 * are written in this seed's way, and faults spoil them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/render.h"
#include "tests/sim/sim.h"

#define REFUSED_WORD "forbidden" /* the upstream never takes a webhook that holds it */
#define BURNING_WORD "burns"     /* ... and breaks over this one, until all is calm */

static enum sim_author
author_of(const struct sim *s, const struct sim_transfer *t)
{
	bool heard = t->epoch == s->host.epoch && s->host.up && t->told == SIM_NEVER;

	return heard ? SIM_BY_WHD : SIM_BY_LATE;
}

/* ------------------------------------------------------------------ changes -- */

static void
say_not_found(struct sim *s, struct sim_transfer *t)
{
	t->status = s->world.ways.absent == SIM_absent_GONE ? 410 : 404;
	wh_buf_c(&t->reply, "{\"message\":\"there is no such webhook\"}");
}

static void
add_location(struct sim *s, struct sim_transfer *t, size_t row)
{
	struct wh_buf b = WH_BUF_NULL;
	const char *whid = s->world.rows[row].whid;

	wh_buf_c(&b, "/webhookconfig");
	wh_buf_c(&b, s->world.ways.post == SIM_post_LOCATION_PATH ? "/" : "?whid=");
	for (const char *c = whid; *c; c++)
		if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || *c == '-')
			wh_buf_byte(&b, *c);
		else
			wh_buf_printf(&b, "%%%02X", (unsigned char)*c);
	snprintf(t->location, sizeof(t->location), "%.*s", WH_STR_FMT(wh_buf_view(&b)));
	wh_buf_fini(&b);
}

static void
answer_post(struct sim *s, struct sim_transfer *t, size_t row)
{
	const struct sim_world *w = &s->world;
	const char *quote = w->ways.id_form == SIM_id_form_NUMBER ? "" : "\"";

	t->status = w->ways.post_status == SIM_post_status_OK_200        ? 200
		    : w->ways.post_status == SIM_post_status_CREATED_201 ? 201
									 : 202;
	if (w->ways.post == SIM_post_OBJECT || w->ways.post == SIM_post_ARRAY) {
		wh_buf_c(&t->reply, w->ways.post == SIM_post_ARRAY ? "[" : "");
		sim_render_row(w, &t->reply, row, sim_row_now(&w->rows[row]), false);
		wh_buf_c(&t->reply, w->ways.post == SIM_post_ARRAY ? "]" : "");
	} else if (w->ways.post == SIM_post_ID_JSON) {
		wh_buf_printf(&t->reply, "%s%s%s", quote, w->rows[row].whid, quote);
	} else if (w->ways.post == SIM_post_ID_TEXT && w->ways.id_form != SIM_id_form_TEXT) {
		wh_buf_printf(&t->reply, "%s\r\n", w->rows[row].whid);
	} else if (w->ways.post == SIM_post_EMPTY) {
		t->status = 204;
	} else {
		add_location(s, t, row);
	}
}

static void
execute_post(struct sim *s, struct sim_transfer *t, const struct sim_doc *doc)
{
	struct sim_version v = {
		.at = s->mono, .by = author_of(s, t), .transfer = t->id, .doc = *doc};

	t->row = sim_world_add(&s->world, &s->dice, &v);
	t->version = 0;
	answer_post(s, t, t->row);
}

static void
answer_patch(struct sim *s, struct sim_transfer *t, const struct sim_version *old)
{
	const struct sim_world *w = &s->world;

	t->status = w->ways.patch == SIM_patch_EMPTY ? 204 : 200;
	if (w->ways.patch == SIM_patch_NEW)
		sim_render_row(w, &t->reply, t->row, sim_row_now(&w->rows[t->row]), false);
	else if (w->ways.patch == SIM_patch_OLD)
		sim_render_row(w, &t->reply, t->row, old, false);
}

static void
execute_patch(struct sim *s, struct sim_transfer *t, const struct sim_doc *doc)
{
	struct sim_version v = {
		.at = s->mono, .by = author_of(s, t), .transfer = t->id, .doc = *doc};
	struct sim_version old = *sim_row_now(&s->world.rows[t->row]);

	t->version = s->world.rows[t->row].n;
	sim_world_write(&s->world, t->row, v);
	answer_patch(s, t, &old);
}

static void
execute_delete(struct sim *s, struct sim_transfer *t)
{
	struct sim_version v = *sim_row_now(&s->world.rows[t->row]);

	v.at = s->mono;
	v.by = author_of(s, t);
	v.transfer = t->id;
	v.gone = true;
	t->version = s->world.rows[t->row].n;
	sim_world_write(&s->world, t->row, v);
	t->status = s->world.ways.delete == SIM_delete_NO_CONTENT ? 204 : 200;
	if (s->world.ways.delete == SIM_delete_OK_OBJECT)
		sim_render_row(&s->world, &t->reply, t->row, &v, false);
}

/* What every request must be: with an id of one row, or with a body, as its method asks. */
static bool
well_formed(struct sim *s, struct sim_transfer *t, struct sim_doc *doc)
{
	bool post = strcmp(t->method, "POST") == 0, delete = strcmp(t->method, "DELETE") == 0;

	if (post == (t->whid[0] != '\0'))
		sim_fail(s, "#%" PRIu64 " %s goes out with the id '%s'", t->id, t->method,
			 t->whid);
	else if (!delete &&!sim_doc_from_json(doc, wh_buf_view(&t->body),
					      sim_world_under(&s->world, t->method, t->whid)))
		sim_fail(s, "#%" PRIu64 " the body is no webhook: %.*s", t->id,
			 WH_STR_FMT(wh_buf_view(&t->body)));
	return !s->failed;
}

static bool
holds(const struct sim_transfer *t, const char *word)
{
	return t->body.n && memmem(t->body.p, t->body.n, word, strlen(word));
}

static bool
refused_by_content(struct sim *s, struct sim_transfer *t)
{
	if (holds(t, REFUSED_WORD)) {
		t->status = 422;
		wh_buf_c(&t->reply, "{\"message\":\"whcomment holds a forbidden word\"}");
		return true;
	}
	if (s->calm || !holds(t, BURNING_WORD))
		return false;
	t->status = 500;
	wh_buf_c(&t->reply, "{\"message\":\"A server side exception has occured\"}");
	return true;
}

static void
execute(struct sim *s, struct sim_transfer *t)
{
	struct sim_doc doc = {0};
	bool post = strcmp(t->method, "POST") == 0;

	if (!well_formed(s, t, &doc) || refused_by_content(s, t))
		return;
	if (!post) {
		size_t row = sim_world_find(&s->world, wh_str_c(t->whid));

		if (row == SIZE_MAX || !sim_row_alive(&s->world.rows[row])) {
			say_not_found(s, t);
			return;
		}
		t->row = row;
	}
	if (t->executed != SIM_NEVER)
		sim_fail(s, "#%" PRIu64 " %s %s is carried out a second time", t->id, t->method,
			 t->whid);
	t->executed = s->mono;
	t->late = author_of(s, t) == SIM_BY_LATE;
	sim_oracle_executes(s, t, &doc);
	if (post)
		execute_post(s, t, &doc);
	else if (strcmp(t->method, "PATCH") == 0)
		execute_patch(s, t, &doc);
	else
		execute_delete(s, t);
	sim_say(s, "upstream", "#%" PRIu64 " %s %s executed%s", t->id, t->method,
		s->world.rows[t->row].whid, t->late ? " late" : "");
}

/* Whoever executes late has given its reply already. */
void
sim_upstream_execute(struct sim *s, struct sim_transfer *t)
{
	int status = t->status;
	bool replied = status != 0 || t->told != SIM_NEVER;

	execute(s, t);
	if (replied)
		t->status = status;
}

/* -------------------------------------------------------------------- lists -- */

static void
show(struct sim_transfer *t, size_t row)
{
	if (t->n_shown == t->cap_shown) {
		t->cap_shown = t->cap_shown ? t->cap_shown * 2 : 16;
		t->shown = realloc(t->shown, t->cap_shown * sizeof(*t->shown));
		wh_require(t->shown != NULL);
	}
	t->shown[t->n_shown++] = row;
}

static bool
listed(const struct sim *s, size_t row)
{
	const struct sim_row *r = &s->world.rows[row];

	return sim_row_alive(r) && r->born_at + s->world.ways.lag <= s->mono;
}

/* Chooses the rows of the page, and where the next one begins. */
static struct sim_shown
choose_rows(struct sim *s, struct sim_transfer *t)
{
	const struct sim_ways *ways = &s->world.ways;
	bool paged = ways->list == SIM_list_PAGED_BODY || ways->list == SIM_list_PAGED_ODATA ||
		     ways->list == SIM_list_PAGED_HEADER;
	enum sim_body body = sim_faults[t->fault].body;
	struct sim_shown shown = {.first = t->page_from == 0};
	size_t begin = t->n_shown;

	for (size_t i = 0; i < s->world.n; i++) {
		if (!listed(s, i) || body == SIM_BODY_EMPTY_LIST)
			continue;
		if (body == SIM_BODY_SHORT_LIST && i % 3 == t->id % 3)
			continue;
		shown.total++;
		if (i < t->page_from || shown.next)
			continue;
		if (paged && t->n_shown - begin == ways->page)
			shown.next = i;
		else
			show(t, i);
	}
	shown.rows = t->shown + begin;
	shown.n = t->n_shown - begin;
	return shown;
}

/* A list that shows that it is not whole; NULL for other bodies. */
static const char *
spoilt_list(enum sim_body body)
{
	static const char *const texts[] = {
		[SIM_BODY_TOTAL] = "{\"items\":[],\"total\":1000000}",
		[SIM_BODY_JUNK] = "[{\"whname\":\"no id\"}]",
		[SIM_BODY_KEYS] = "[{\"whid\":\"one\",\"whid\":\"two\",\"whname\":\"which?\"}]",
		[SIM_BODY_MORE] = "{\"data\":[],\"hasMore\":true}",
		[SIM_BODY_ELSEWHERE] = "{\"data\":[],\"nextLink\":\"https://elsewhere.example/"
				       "webhookconfig?after=1\"}",
		[SIM_BODY_TRAILING] = "[] []",
	};

	return (size_t)body < wh_array_len(texts) ? texts[body] : NULL;
}

/* One element twice; false if the page has none. */
static bool
double_row(struct sim *s, struct wh_buf *b, const struct sim_shown *shown)
{
	if (shown->n == 0)
		return false;

	size_t one = shown->rows[0];

	wh_buf_reset(b);
	for (unsigned i = 0; i < 2; i++) {
		wh_buf_byte(b, i ? ',' : '[');
		sim_render_row(&s->world, b, one, sim_row_now(&s->world.rows[one]), true);
	}
	wh_buf_byte(b, ']');
	return true;
}

static void
spoil(struct sim *s, struct sim_transfer *t, struct sim_shown *shown)
{
	enum sim_body body = sim_faults[t->fault].body;
	const char *text = spoilt_list(body);

	if (body == SIM_BODY_TWICE ? !double_row(s, &t->reply, shown) : !text)
		return;
	if (text) {
		wh_buf_reset(&t->reply);
		wh_buf_c(&t->reply, text);
	}
	t->flawed = true;
	t->link.n = 0;
	shown->next = 0;
}

void
sim_upstream_page(struct sim *s, struct sim_transfer *t)
{
	wh_buf_reset(&t->reply);
	wh_buf_reset(&t->link);

	struct sim_shown shown = choose_rows(s, t);

	sim_render_page(&s->world, &t->reply, &shown, &t->link);
	spoil(s, t, &shown);
	if (s->world.ways.few == SIM_few_NOTHING && t->reply.n == 0 && !t->flawed)
		t->status = 204;
}

/* -------------------------------------------------------------------- reads -- */

static void
find_absent(struct sim *s, struct sim_transfer *t)
{
	t->status = 200;
	if (s->world.ways.absent == SIM_absent_EMPTY_LIST)
		wh_buf_c(&t->reply, "[]");
	else if (s->world.ways.absent == SIM_absent_NULL_VALUE)
		wh_buf_c(&t->reply, "null");
	else
		say_not_found(s, t);
	if (s->world.ways.absent == SIM_absent_BAD_REQUEST)
		t->status = 400;
}

static void
find(struct sim *s, struct sim_transfer *t)
{
	const struct sim_world *w = &s->world;
	size_t row = sim_world_find(w, wh_str_c(t->whid));
	const char *open = w->ways.find == SIM_find_ARRAY ? "[" : "{\"value\":";
	bool bare = w->ways.find == SIM_find_OBJECT;

	t->status = 200;
	t->executed = s->mono;
	if (w->ways.find == SIM_find_WHOLE_LIST) {
		sim_upstream_page(s, t);
		return;
	}
	if (row == SIZE_MAX || !sim_row_alive(&w->rows[row]) ||
	    w->ways.find == SIM_find_NEVER) {
		find_absent(s, t);
		return;
	}
	wh_buf_c(&t->reply, bare ? "" : open);
	sim_render_row(w, &t->reply, row, sim_row_now(&w->rows[row]), true);
	wh_buf_c(&t->reply, bare ? "" : *open == '[' ? "]" : "}");
}

static void
serve_read(struct sim *s, struct sim_transfer *t)
{
	t->status = 200;
	t->executed = s->mono;
	if (t->kind == WH_HTTP_LIST)
		sim_upstream_page(s, t);
	else
		find(s, t);
}

static void
cut_in_half(struct sim *s, struct sim_transfer *t)
{
	/* Not so short that what is left is a reply in its own right. */
	if (t->reply.n > 6)
		t->reply.n = (size_t)sim_dice_between(&s->dice, 5, (int64_t)t->reply.n - 1);
	else
		sim_fault_text(&t->reply, SIM_BODY_HALF, 0, 0);
	t->flawed = true;
}

/* The reply that whd gets in place of the upstream's own. */
static void
falsify(struct sim *s, struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];
	int64_t wait = sim_dice_between(&s->dice, 1, 300);

	if (f->body == SIM_BODY_HALF)
		cut_in_half(s, t);
	if (f->status == 2)
		return;
	t->status = f->status;
	t->location[0] = '\0';
	wh_buf_reset(&t->reply);
	sim_fault_text(&t->reply, f->body, f->status, wait);
	if (f->body == SIM_BODY_WAIT)
		t->retry_after_ms = wait * 1000;
}

void
sim_upstream_serve(struct sim *s, struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];

	if (s->world.ways.type != SIM_type_NONE)
		t->type = s->world.ways.type == SIM_type_JSON ? "application/json"
							      : "text/html; charset=utf-8";
	if (f->exec == SIM_EXEC_ONCE && t->kind == WH_HTTP_SEND)
		sim_upstream_execute(s, t);
	else if (f->exec == SIM_EXEC_ONCE)
		serve_read(s, t);
	falsify(s, t);
}
