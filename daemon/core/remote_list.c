/* SPDX-License-Identifier: MIT */
/*
 * The list reader: takes what the splitter cuts, has each element parsed and
 * turned into a stored webhook, and keeps book of everything that is doubtful.
 * The first doubt is kept as a sentence; any doubt makes the list incomplete,
 * and an incomplete list removes nothing.
 *
 * Called by the HTTP thread while a body streams in; one reader a list. It
 * remembers no ids: whoever gathers the rows sees a duplicate.
 */
#include "daemon/core/remote_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/remote_page.h"
#include "daemon/core/remote_skip.h"
#include "daemon/core/remote_split.h"
#include "proto/json.h"

#define ROW_MAX ((size_t)1024 * 1024) /* what a stored row may have */
#define DEPTH_MAX 32
#define NEXT_MAX ((size_t)8 * 1024)
#define WHY_MAX sizeof(((struct wh_list_summary *)NULL)->why)

struct wh_list_reader {
	struct wh_list_limits lim;
	wh_list_on_row *on_row;
	void *ctx;
	struct wh_split split;
	struct wh_skip skip;
	uint32_t last; /* the known element that ended last, or WH_KNOWN_NONE */
	struct wh_buf packed, row, next;
	uint64_t elements, rows, unreadable;
	uint64_t before_page; /* elements of the pages before this one */
	bool unusable;
	bool in_page;         /* the page has not been ended */
	char why[WHY_MAX];    /* of a doubt; "" = none */
	char beyond[WHY_MAX]; /* how the page says that more follows: a doubt if it is the last
			       */
};

/* Keeps the first reason. */
WH_PRINTF(2, 0)
static void
keep_reason(char why[WHY_MAX], const char *fmt, va_list ap)
{
	if (!why[0])
		vsnprintf(why, WHY_MAX, fmt, ap);
}

WH_PRINTF(2, 3)
static void
doubt(struct wh_list_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_reason(r->why, fmt, ap);
	va_end(ap);
}

/* The same of the page, for the case that no other follows: there may be a link in its head. */
WH_PRINTF(2, 3)
static void
doubt_end(struct wh_list_reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_reason(r->beyond, fmt, ap);
	va_end(ap);
}

static void
doubt_element(struct wh_list_reader *r, const char *why)
{
	r->unreadable++;
	doubt(r, "element %" PRIu64 " of the list cannot be read: %s", r->elements, why);
}

static bool
has_member(const msgpack_object *o, enum wh_field f)
{
	const struct wh_str name = wh_str_c(wh_fields[f].name);
	struct wh_str key;

	for (uint32_t i = 0; i < o->via.map.size; i++)
		if (wh_obj_str(&o->via.map.ptr[i].key, &key) && wh_str_ieq(key, name))
			return true;
	return false;
}

static bool
has_documented_member(const msgpack_object *o)
{
	return wh_remote_has_own(o) || has_member(o, WH_F_APPLICATION) ||
	       has_member(o, WH_F_MUNICIPALITY) || has_member(o, WH_F_PROCESSES);
}

/*
 * Decodes JSON into a tree over r->packed. 0, WH_EPROTO or WH_ELIMIT with a
 * reason in err, or WH_ENOMEM.
 */
static int
parse(struct wh_list_reader *r, struct wh_str json, struct wh_tree *ret,
      struct wh_json_error *err)
{
	const bool within = r->lim.json_depth < DEPTH_MAX;
	int fault;

	*err = (struct wh_json_error){0};
	wh_buf_reset(&r->packed);
	fault = wh_json_to_pack(json, within ? r->lim.json_depth : DEPTH_MAX, &r->packed, err);
	if (!fault)
		fault = wh_unpack(ret, wh_buf_view(&r->packed), NULL);
	if (fault && !err->text[0])
		snprintf(err->text, sizeof err->text, "%s", wh_fault_str(fault));
	return fault;
}

/* Hands one decoded object on, or counts it as unreadable. */
static int
emit_object(struct wh_list_reader *r, const msgpack_object *o, struct wh_hash text)
{
	struct wh_list_row row = {.text = text};
	const char *why;
	int fault;

	wh_buf_reset(&r->row);
	fault = wh_remote_row(&r->row, o, true, &row.whid, &why);
	if (fault == WH_ENOMEM)
		return fault;
	if (!fault && r->split.shape == WH_SPLIT_WRAPPED && !has_documented_member(o)) {
		fault = WH_EINVAL;
		why = "it has no member of a webhook";
	}
	if (fault) {
		doubt_element(r, why);
		return 0;
	}
	r->rows++;
	row.body = wh_buf_view(&r->row);
	return r->on_row(r->ctx, &row);
}

static int
read_element(struct wh_list_reader *r, struct wh_str element, struct wh_hash text)
{
	struct wh_tree tree = {0};
	struct wh_json_error err;
	int fault;

	fault = parse(r, element, &tree, &err);
	if (fault == WH_EPROTO || fault == WH_ELIMIT) {
		doubt_element(r, err.text);
		return 0;
	}
	if (fault)
		return fault;
	fault = emit_object(r, &tree.root, text);
	wh_tree_fini(&tree);
	return fault;
}

/* A known element is ticked; if it was before, the list holds a webhook twice. */
static void
tick(struct wh_list_reader *r, uint32_t at)
{
	r->rows++;
	if (wh_known_tick(r->skip.known, at)) {
		r->last = at;
		return;
	}
	doubt(r, "the list holds the same webhook twice, as element %" PRIu64, r->elements);
}

static int
on_element(void *ctx, struct wh_str element)
{
	struct wh_list_reader *r = ctx;
	struct wh_known *known = r->skip.known;
	int fault = 0;

	r->elements++;
	if (!known)
		return read_element(r, element, (struct wh_hash){0, 0});

	struct wh_hash text = wh_known_hash(wh_known_seed(known), element);
	uint32_t at = wh_known_find(known, text);

	r->last = WH_KNOWN_NONE;
	if (at == WH_KNOWN_NONE)
		fault = read_element(r, element, text);
	else
		tick(r, at);
	return fault ? fault : WH_SPLIT_STOP;
}

static bool
is_webhook(struct wh_list_reader *r, const msgpack_object *o)
{
	struct wh_str whid;
	const char *why;

	if (o->type != MSGPACK_OBJECT_MAP || !wh_remote_has_own(o))
		return false;
	wh_buf_reset(&r->row);
	return wh_remote_row(&r->row, o, true, &whid, &why) == 0;
}

/* The one webhook in an object that holds no list: itself, or its only member that is one. */
static const msgpack_object *
webhook_in(struct wh_list_reader *r, const msgpack_object *root)
{
	const msgpack_object *found = NULL;

	if (root->type != MSGPACK_OBJECT_MAP)
		return NULL;
	if (is_webhook(r, root))
		return root;
	for (uint32_t i = 0; i < root->via.map.size; i++) {
		const msgpack_object *v = &root->via.map.ptr[i].val;

		if (!is_webhook(r, v))
			continue;
		if (found)
			return NULL;
		found = v;
	}
	return found;
}

static bool
is_row(void *ctx, struct wh_str object)
{
	struct wh_list_reader *r = ctx;
	struct wh_json_error err;
	struct wh_tree tree = {0};
	bool found = false;

	wh_buf_reset(&r->packed);
	if (wh_json_to_pack(object, DEPTH_MAX, &r->packed, &err) == 0 &&
	    wh_unpack(&tree, wh_buf_view(&r->packed), NULL) == 0)
		found = webhook_in(r, &tree.root) != NULL;
	wh_tree_fini(&tree);
	return found;
}

static void
unusable(struct wh_list_reader *r, const char *why)
{
	r->unusable = true;
	doubt(r, "%s", why);
}

/* The body was one object without a list. */
static int
end_object(struct wh_list_reader *r)
{
	const struct wh_str text = wh_split_object(&r->split);
	const msgpack_object *o;
	struct wh_tree tree = {0};
	struct wh_json_error err = {.text = "it is cut off or too long"};
	int fault = WH_EPROTO;

	if (text.n > 0 && !r->split.cut)
		fault = parse(r, text, &tree, &err);
	if (fault == WH_ENOMEM)
		return fault;
	if (fault) {
		doubt(r, "the reply is an object that cannot be read: %s", err.text);
		r->unusable = true;
		return 0;
	}
	o = webhook_in(r, &tree.root);
	if (!o && tree.root.type == MSGPACK_OBJECT_MAP && has_documented_member(&tree.root))
		o = &tree.root;
	r->elements += o != NULL;
	if (o)
		fault = emit_object(r, o, (struct wh_hash){0, 0});
	if (!o || r->rows == 0)
		unusable(r, "the reply is an object that holds neither a list nor a webhook");
	wh_tree_fini(&tree);
	return fault;
}

static void
check_totals(struct wh_list_reader *r, const struct wh_page *page)
{
	const uint64_t here = r->elements - r->before_page;
	const uint64_t total = page->total >= 0 ? (uint64_t)page->total : r->elements;
	const uint64_t count = page->count >= 0 ? (uint64_t)page->count : here;

	if (page->more)
		doubt_end(r, "the list says that more follows, but gives no link to it");
	if (total != r->elements)
		doubt_end(r, "the list says it has %" PRIu64 " elements, but %" PRIu64 " came",
			  total, r->elements);
	if (count != here && count != r->elements)
		doubt_end(r, "the list counts %" PRIu64 " elements, but %" PRIu64 " came",
			  count, here);
}

/* The body was an object around a list. */
static int
end_wrapped(struct wh_list_reader *r)
{
	struct wh_page page;
	int fault;

	if (r->split.second_list)
		doubt(r, "the reply holds more than one list");
	if (r->split.shell_lost) {
		doubt(r, "the members beside the list are longer than %zu bytes",
		      WH_SPLIT_SHELL_MAX);
		return 0;
	}
	fault = wh_page_read(wh_split_shell(&r->split), &r->next, &page);
	if (fault == WH_ENOMEM)
		return fault;
	if (fault) {
		doubt(r, "the object around the list is malformed");
		return 0;
	}
	if (page.is_error)
		unusable(r, "the reply is an error report");
	if (r->next.n == 0)
		check_totals(r, &page);
	return 0;
}

static void
note_flaws(struct wh_list_reader *r, bool whole)
{
	const struct wh_split *s = &r->split;

	r->elements += s->overlong;
	r->unreadable += s->overlong;
	if (s->overlong)
		doubt(r, "an element of the list is longer than %zu bytes", r->lim.element);
	if (!whole)
		doubt(r, "the reply was cut off before its end");
	if (s->cut)
		doubt(r, "the list ends in the middle");
	if (s->malformed)
		doubt(r, "the list is malformed: its commas or brackets are wrong");
	if (s->trailing)
		doubt(r, "something follows the list");
}

static int
end_shape(struct wh_list_reader *r, bool whole)
{
	switch (r->split.shape) {
	case WH_SPLIT_NOTHING:
		r->unusable |= !whole;
		return 0;
	case WH_SPLIT_NULL:
	case WH_SPLIT_ARRAY:
		return 0;
	case WH_SPLIT_WRAPPED:
		return end_wrapped(r);
	case WH_SPLIT_OBJECT:
		return end_object(r);
	case WH_SPLIT_OTHER:
		unusable(r, "the reply is no JSON list");
		return 0;
	}
	return 0;
}

static struct wh_split_ops
split_ops(struct wh_list_reader *r)
{
	return (struct wh_split_ops){.on_element = on_element, .is_row = is_row, .ctx = r};
}

struct wh_list_reader *
wh_list_reader_new(const struct wh_list_limits *lim, wh_list_on_row *on_row, void *ctx)
{
	struct wh_list_reader *r = wh_xcalloc(1, sizeof *r);
	const struct wh_split_ops ops = split_ops(r);

	r->lim = *lim;
	r->on_row = on_row;
	r->ctx = ctx;
	r->in_page = true;
	wh_split_init(&r->split, lim->element, &ops);
	r->packed = wh_buf_capped(4 * lim->element + 64);
	r->row = wh_buf_capped(ROW_MAX);
	r->next = wh_buf_capped(NEXT_MAX);
	return r;
}

void
wh_list_reader_use(struct wh_list_reader *r, struct wh_known *known)
{
	wh_skip_fini(&r->skip);
	wh_skip_init(&r->skip, known);
}

struct wh_list_reader *
wh_list_reader_free(struct wh_list_reader *r)
{
	if (!r)
		return NULL;
	wh_split_fini(&r->split);
	wh_skip_fini(&r->skip);
	wh_buf_fini(&r->packed);
	wh_buf_fini(&r->row);
	wh_buf_fini(&r->next);
	free(r);
	return NULL;
}

void
wh_list_reader_next_page(struct wh_list_reader *r)
{
	wh_split_restart(&r->split);
	wh_skip_restart(&r->skip);
	wh_buf_reset(&r->next);
	r->beyond[0] = '\0';
	r->before_page = r->elements;
	r->in_page = true;
}

/* Splits bytes from the front of *bytes, up to the end of an element or all. */
static int
split_some(struct wh_list_reader *r, struct wh_str *bytes)
{
	const char *from = bytes->p;
	int fault = wh_split_feed(&r->split, bytes);

	wh_skip_bytes(&r->skip, wh_str(from, (size_t)(bytes->p - from)));
	if (fault != WH_SPLIT_STOP)
		return fault;
	wh_skip_element(&r->skip, r->last);
	return 0;
}

static int
split_held(struct wh_list_reader *r)
{
	struct wh_buf held = wh_skip_held(&r->skip);
	struct wh_str bytes = wh_buf_view(&held);
	int fault = 0;

	while (bytes.n > 0 && !fault)
		fault = split_some(r, &bytes);
	wh_buf_fini(&held);
	return fault;
}

/* Passes over a block that came before, or splits what was held for it. */
static int
skip_block(struct wh_list_reader *r, struct wh_str *bytes)
{
	uint32_t n = 0;

	switch (wh_skip_block(&r->skip, bytes, &n)) {
	case WH_SKIP_MORE:
		return 0;
	case WH_SKIP_PASSED:
		r->elements += n;
		r->rows += n;
		return 0;
	case WH_SKIP_OTHER:
		return split_held(r);
	}
	return 0;
}

int
wh_list_reader_feed(struct wh_list_reader *r, struct wh_str bytes)
{
	int fault = 0;

	while (bytes.n > 0 && !fault)
		fault = r->skip.block ? skip_block(r, &bytes) : split_some(r, &bytes);
	return fault;
}

int
wh_list_reader_end_page(struct wh_list_reader *r, bool whole)
{
	int fault = split_held(r);

	if (!fault)
		fault = wh_split_end(&r->split);
	if (fault)
		return fault;
	wh_skip_restart(&r->skip); /* a block does not span pages */
	r->in_page = false;
	note_flaws(r, whole);
	return end_shape(r, whole);
}

void
wh_list_reader_summary(const struct wh_list_reader *r, struct wh_list_summary *ret)
{
	const char *why = r->why[0]      ? r->why
			  : r->beyond[0] ? r->beyond
			  : r->in_page   ? "the list was not read to its end"
					 : "";

	*ret = (struct wh_list_summary){
		.usable = !r->unusable,
		.complete = !r->unusable && !why[0] && r->unreadable == 0,
		.elements = r->elements,
		.rows = r->rows,
		.unreadable = r->unreadable,
		.next = wh_buf_view(&r->next),
	};
	snprintf(ret->why, sizeof ret->why, "%s", why);
}
