/* SPDX-License-Identifier: MIT */
/* Rows and ids of a list on their way. */
#include "daemon/chunk.h"

#include <stdlib.h>

#define CHUNK_ROWS 500u
#define CHUNK_BYTES (384u * 1024u)

/* What stands before the id and the body of a row. */
struct head {
	struct wh_hash text; /* of the list's element */
	uint32_t whid_n, body_n;
};

struct wh_chunk *
wh_chunk_new(uint64_t tag)
{
	struct wh_chunk *c = calloc(1, sizeof(*c));

	if (c)
		c->tag = tag;
	return c;
}

struct wh_chunk *
wh_chunk_free(struct wh_chunk *c)
{
	if (c) {
		wh_buf_fini(&c->bytes);
		free(c->at);
		free(c);
	}
	return NULL;
}

int
wh_chunk_add_at(struct wh_chunk *c, size_t at)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		size_t *more = realloc(c->at, cap * sizeof(*more));

		if (!more)
			return WH_ENOMEM;
		c->at = more;
		c->cap = cap;
	}
	c->at[c->n++] = at;
	return 0;
}

int
wh_chunk_add(struct wh_chunk *c, struct wh_str whid, struct wh_str body, struct wh_hash text)
{
	const struct head h = {text, (uint32_t)whid.n, (uint32_t)body.n};
	size_t at = c->bytes.n;

	wh_buf_add(&c->bytes, &h, sizeof(h));
	wh_buf_str(&c->bytes, whid);
	wh_buf_str(&c->bytes, body);
	return c->bytes.fault ? WH_ENOMEM : wh_chunk_add_at(c, at);
}

bool
wh_chunk_full(const struct wh_chunk *c)
{
	return c->n >= CHUNK_ROWS || c->bytes.n >= CHUNK_BYTES;
}

static struct head
head_at(const char *row)
{
	struct head h;

	memcpy(&h, row, sizeof(h));
	return h;
}

struct wh_str
wh_chunk_row_whid(const char *row)
{
	return wh_str(row + sizeof(struct head), head_at(row).whid_n);
}

size_t
wh_chunk_row_size(const char *row)
{
	struct head h = head_at(row);

	return sizeof(h) + h.whid_n + h.body_n;
}

static const char *
row(const struct wh_chunk *c, size_t i)
{
	return (c->base ? c->base : c->bytes.p) + c->at[i];
}

struct wh_str
wh_chunk_whid(const struct wh_chunk *c, size_t i)
{
	return wh_chunk_row_whid(row(c, i));
}

struct wh_str
wh_chunk_body(const struct wh_chunk *c, size_t i)
{
	struct head h = head_at(row(c, i));

	return wh_str(row(c, i) + sizeof(h) + h.whid_n, h.body_n);
}

struct wh_hash
wh_chunk_text(const struct wh_chunk *c, size_t i)
{
	return head_at(row(c, i)).text;
}

/* --------------------------------------------------------------------- seen -- */

static struct wh_hash
id_of(const struct wh_seen *s, struct wh_str key)
{
	return wh_known_hash(wh_known_seed(s->known), key);
}

static int
compare(const void *a, const void *b)
{
	return wh_hash_cmp(*(const struct wh_hash *)a, *(const struct wh_hash *)b);
}

static int
add_id(struct wh_seen *s, struct wh_hash id)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct wh_hash *ids = realloc(s->ids, cap * sizeof(*ids));

		if (!ids)
			return WH_ENOMEM;
		s->ids = ids;
		s->cap = cap;
	}
	s->ids[s->n++] = id;
	return 0;
}

int
wh_seen_add(struct wh_seen *s, struct wh_str key)
{
	return add_id(s, id_of(s, key));
}

static bool
has_id(const struct wh_seen *s, struct wh_hash id)
{
	return s->n > 0 && bsearch(&id, s->ids, s->n, sizeof(id), compare) != NULL;
}

static void
sort(struct wh_seen *s)
{
	if (s->n > 0)
		qsort(s->ids, s->n, sizeof(*s->ids), compare);
}

void
wh_seen_close(struct wh_seen *s)
{
	struct wh_hash id;
	uint32_t at = 0;

	sort(s);
	s->closed = true;
	for (size_t i = 1; i < s->n; i++)
		s->duplicates |= compare(&s->ids[i - 1], &s->ids[i]) == 0;
	while (s->n > 0 && !s->duplicates && wh_known_next_ticked(s->known, &at, &id))
		s->duplicates |= has_id(s, id);
}

int
wh_seen_gather(struct wh_seen *s)
{
	struct wh_hash id;
	uint32_t at = 0;
	size_t was = s->n;

	if (s->all)
		return 0;
	while (wh_known_next_ticked(s->known, &at, &id)) {
		if (add_id(s, id)) {
			s->n = was;
			return WH_ENOMEM;
		}
	}
	sort(s);
	s->all = true;
	return 0;
}

bool
wh_seen_has(const struct wh_seen *s, struct wh_str key)
{
	wh_require(s->closed && s->all);
	return has_id(s, id_of(s, key));
}

void
wh_seen_fini(struct wh_seen *s)
{
	wh_known_free(s->known);
	free(s->ids);
	*s = (struct wh_seen){0};
}
