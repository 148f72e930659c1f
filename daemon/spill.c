/* SPDX-License-Identifier: MIT */
/*
 * Rows of a list in a file. It is written from front to end, never flushed, and
 * read through a map once it is whole. What is kept in memory is 16 bytes a
 * row: where it stands, its size, and how its key begins.
 *
 * Filled and sorted on the HTTP thread; handed out on the loop, which only
 * looks at what is in memory; read by the commit thread.
 */
#include "daemon/spill.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/store.h"

#define SLICE_ROWS 2000u
#define SLICE_BYTES (1024u * 1024u)

#define SIZE_BITS 24 /* a greater size counts as the greatest: it only bounds slices */
#define SIZE_MOST ((1u << SIZE_BITS) - 1u)
#define PLACE_MOST (UINT64_MAX >> SIZE_BITS)

struct entry {
	uint64_t begins; /* the first bytes of the key, in their order */
	uint64_t place;  /* offset and size */
};

struct wh_spill {
	int fd;
	bool refuses;
	uint64_t bytes;
	const char *map; /* NULL until it is whole */
	struct entry *entries;
	size_t n, cap, next, slice_rows;
};

struct wh_spill *
wh_spill_new(int fd)
{
	struct wh_spill *s = fd < 0 ? NULL : calloc(1, sizeof(*s));

	if (s) {
		s->fd = fd;
		s->slice_rows = SLICE_ROWS;
	} else if (fd >= 0) {
		close(fd);
	}
	return s;
}

struct wh_spill *
wh_spill_free(struct wh_spill *s)
{
	if (!s)
		return NULL;
	if (s->map)
		munmap((void *)(uintptr_t)s->map, s->bytes);
	close(s->fd);
	free(s->entries);
	free(s);
	return NULL;
}

void
wh_spill_slice(struct wh_spill *s, size_t rows)
{
	if (s)
		s->slice_rows = rows;
}

/* --------------------------------------------------------------------- fill -- */

static bool
make_room(struct wh_spill *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 4096;
	struct entry *entries;

	while (cap < s->n + more)
		cap += cap / 2;
	if (cap == s->cap)
		return true;
	entries = realloc(s->entries, cap * sizeof(*entries));
	if (!entries)
		return false;
	s->entries = entries;
	s->cap = cap;
	return true;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static uint64_t
beginning(struct wh_str key)
{
	uint64_t v = 0;

	for (size_t i = 0; i < sizeof(v); i++)
		v = v << 8 | (i < key.n ? (unsigned char)key.p[i] : 0);
	return v;
}

static struct entry
entry_of(const char *row, uint64_t at)
{
	size_t size = wh_chunk_row_size(row);
	char room[WH_KEY_MAX];

	return (struct entry){
		.begins = beginning(wh_key_fold(wh_chunk_row_whid(row), room)),
		.place = at << SIZE_BITS | (size < SIZE_MOST ? size : SIZE_MOST),
	};
}

bool
wh_spill_add(struct wh_spill *s, const struct wh_chunk *c)
{
	if (!s || s->refuses)
		return false;
	s->refuses = s->bytes + c->bytes.n > PLACE_MOST || !make_room(s, c->n) ||
		     !write_all(s->fd, c->bytes.p, c->bytes.n);
	if (s->refuses)
		return false;
	for (size_t i = 0; i < c->n; i++)
		s->entries[s->n++] = entry_of(c->bytes.p + c->at[i], s->bytes + c->at[i]);
	s->bytes += c->bytes.n;
	return true;
}

size_t
wh_spill_count(const struct wh_spill *s)
{
	return s ? s->n : 0;
}

/* --------------------------------------------------------------------- sort -- */

static int
compare(const void *a, const void *b, void *map)
{
	const struct entry *x = a, *y = b;
	char left[WH_KEY_MAX], right[WH_KEY_MAX];

	if (x->begins != y->begins)
		return x->begins < y->begins ? -1 : 1;
	const char *base = map;

	return wh_str_cmp(
		wh_key_fold(wh_chunk_row_whid(base + (x->place >> SIZE_BITS)), left),
		wh_key_fold(wh_chunk_row_whid(base + (y->place >> SIZE_BITS)), right));
}

struct wh_spill *
wh_spill_sort(struct wh_spill *s)
{
	void *map;

	if (!s || s->n == 0)
		return wh_spill_free(s);
	map = mmap(NULL, s->bytes, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return wh_spill_free(s);
	s->map = map;
	qsort_r(s->entries, s->n, sizeof(s->entries[0]), compare, map);
	return s;
}

/* --------------------------------------------------------------------- take -- */

bool
wh_spill_is_through(const struct wh_spill *s)
{
	return !s || s->next == s->n;
}

struct wh_chunk *
wh_spill_next(struct wh_spill *s, uint64_t tag)
{
	struct wh_chunk *c;
	size_t bytes = 0;

	if (wh_spill_is_through(s))
		return NULL;
	c = wh_chunk_new(tag);
	wh_require(c != NULL);
	c->base = s->map;
	while (s->next < s->n && c->n < s->slice_rows && bytes < SLICE_BYTES) {
		uint64_t place = s->entries[s->next].place;

		if (wh_chunk_add_at(c, (size_t)(place >> SIZE_BITS)))
			break;
		bytes += place & SIZE_MOST;
		s->next++;
	}
	return c;
}
