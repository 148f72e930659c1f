/* SPDX-License-Identifier: MIT */
/*
 * The meta table: format stamp, counters and text values.
 *
 * The counters are one value of (name, number) entries, because they are read
 * by every renewed view and written by nearly every commit. Names that this
 * version does not know are kept. The format stamp has a layout of its own
 * that never changes, so that any version can read it.
 */
#include <xxhash.h>

#include "store/table.h"

#define COUNTERS_KEY "counters"
#define FORMAT_KEY "format"
#define TEXT_KEY "text:"
#define ENTRIES_MAX 4096 /* bytes of all counters, known or not */

static const struct counter {
	const char *name;
	size_t n;
} counters[] = {
#define WH_META(name, help) {#name, sizeof(#name) - 1},
#include "store/meta.def"
#undef WH_META
};

#define COUNTERS wh_array_len(counters)

_Static_assert(sizeof(struct wh_meta) == COUNTERS * sizeof(uint64_t),
	       "wh_meta is taken as an array of its counters");

/* One entry of the stored value: u8 length, name, u64. */
struct entry {
	struct wh_str name;
	uint64_t value;
};

/* 0, or WH_ECORRUPT if the entry is cut; *p moves behind it. */
static int
take_entry(const uint8_t **p, const uint8_t *end, struct entry *ret)
{
	size_t left = (size_t)(end - *p);
	size_t name_n = left > 0 ? **p : 0;

	if (left < 1 + name_n + 8)
		return WH_ECORRUPT;
	ret->name = wh_str((const char *)*p + 1, name_n);
	*p += 1 + name_n;
	ret->value = wh_be_take(p, 8);
	return 0;
}

static bool
is_counter(size_t i, struct wh_str name)
{
	return i < COUNTERS && counters[i].n == name.n &&
	       memcmp(counters[i].name, name.p, name.n) == 0;
}

/* Entries stand in the order of meta.def unless another version wrote them. */
static size_t
find_counter(size_t expected, struct wh_str name)
{
	size_t i = 0;

	if (is_counter(expected, name))
		return expected;
	while (i < COUNTERS && !is_counter(i, name))
		i++;
	return i;
}

static int
counters_value(const struct wh_view *v, struct wh_value *ret)
{
	struct wh_key k;

	wh_key_init(&k);
	wh_key_add(&k, WH_STR(COUNTERS_KEY));
	int r = wh_table_get(v, WH_TABLE_META, &k, 0, ret);

	return r == WH_ABSENT ? WH_ECORRUPT : r;
}

int
wh_meta_load(const struct wh_view *v, struct wh_meta *ret)
{
	uint64_t numbers[COUNTERS] = {0};
	struct wh_value value;
	struct entry e;
	size_t expected = 0;
	int r = counters_value(v, &value);

	if (r < 0)
		return r;
	const uint8_t *p = (const uint8_t *)value.tail.p;
	const uint8_t *end = p + value.tail.n;

	while (p < end) {
		r = take_entry(&p, end, &e);
		if (r < 0)
			return r;
		size_t i = find_counter(expected, e.name);

		if (i == COUNTERS)
			continue;
		numbers[i] = e.value;
		expected = i + 1;
	}
	memcpy(ret, numbers, sizeof(*ret));
	return 0;
}

/* Entries on their way out, in a space that bounds them. */
struct block {
	size_t n;
	uint8_t b[ENTRIES_MAX];
};

static int
add_entry(struct block *b, struct wh_str name, uint64_t value)
{
	if (1 + name.n + 8 > sizeof(b->b) - b->n)
		return WH_ELIMIT;
	b->b[b->n] = (uint8_t)name.n;
	memcpy(b->b + b->n + 1, name.p, name.n);
	wh_be_put(b->b + b->n + 1 + name.n, value, 8);
	b->n += 1 + name.n + 8;
	return 0;
}

static int
add_known(struct block *b, const struct wh_meta *meta)
{
	uint64_t numbers[COUNTERS];
	int r = 0;

	memcpy(numbers, meta, sizeof(numbers));
	for (size_t i = 0; i < COUNTERS && r == 0; i++)
		r = add_entry(b, wh_str(counters[i].name, counters[i].n), numbers[i]);
	return r;
}

static int
keep_unknown(struct block *b, const struct wh_view *v)
{
	struct wh_value value;
	struct entry e;
	size_t expected = 0;
	int r = counters_value(v, &value);

	if (r < 0)
		return r;
	const uint8_t *p = (const uint8_t *)value.tail.p;
	const uint8_t *end = p + value.tail.n;

	while (p < end && r == 0) {
		r = take_entry(&p, end, &e);
		if (r < 0)
			return r;
		size_t i = find_counter(expected, e.name);

		if (i == COUNTERS)
			r = add_entry(b, e.name, e.value);
		else
			expected = i + 1;
	}
	return r;
}

static int
put_counters(struct wh_txn *t, const struct block *b)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_init(&k);
	wh_key_add(&k, WH_STR(COUNTERS_KEY));
	wh_draft_init(&d);
	d.tail[0] = wh_str((const char *)b->b, b->n);
	return wh_table_put(t, WH_TABLE_META, &k, &d, NULL);
}

int
wh_meta_flush(struct wh_txn *t)
{
	struct block b = {.n = 0};

	if (memcmp(&t->view.meta, &t->was, sizeof(t->was)) == 0)
		return 0;
	int r = add_known(&b, &t->view.meta);

	if (r == 0)
		r = keep_unknown(&b, &t->view);
	if (r == 0)
		r = put_counters(t, &b);
	return wh_txn_fail(t, r);
}

int
wh_meta_create(struct wh_txn *t)
{
	struct block b = {.n = 0};
	int r = add_known(&b, &t->view.meta);

	return r == 0 ? put_counters(t, &b) : r;
}

/* ------------------------------------------------------- text values -- */

static void
text_key(struct wh_key *k, const char *name)
{
	wh_key_init(k);
	wh_key_add(k, WH_STR(TEXT_KEY));
	wh_key_add(k, wh_str_c(name));
}

int
wh_meta_text(const struct wh_view *v, const char *name, struct wh_str *ret)
{
	struct wh_value value;
	struct wh_key k;

	text_key(&k, name);
	int r = wh_table_get(v, WH_TABLE_META, &k, 0, &value);

	if (r == 0)
		*ret = value.tail;
	return r;
}

int
wh_meta_put_text(struct wh_txn *t, const char *name, struct wh_str value)
{
	struct wh_draft d;
	struct wh_key k;

	text_key(&k, name);
	wh_draft_init(&d);
	d.tail[0] = value;
	return wh_table_put(t, WH_TABLE_META, &k, &d, NULL);
}

/* ------------------------------------------------------ format stamp -- */

/* magic, format u32, XXH3-64 of both. Never to be changed. */
#define STAMP_MAGIC "whdstore"
#define STAMP_SUMMED 12
#define STAMP_SIZE 20

static MDB_val
stamp_key(void)
{
	return (MDB_val){sizeof(FORMAT_KEY) - 1, (void *)(uintptr_t)FORMAT_KEY};
}

int
wh_format_get(const struct wh_store *s, MDB_txn *txn, MDB_dbi meta, uint32_t *ret_format)
{
	MDB_val k = stamp_key();
	MDB_val data;
	int rc = wh_trap_get(s, txn, meta, &k, &data);

	if (rc == MDB_NOTFOUND)
		return WH_ABSENT;
	if (rc != 0)
		return wh_mdb_fault(rc);
	if (data.mv_size != STAMP_SIZE)
		return WH_ECORRUPT;
	const uint8_t *p = data.mv_data;

	if (memcmp(p, STAMP_MAGIC, 8) != 0 ||
	    wh_be_get(p + STAMP_SUMMED, 8) != XXH3_64bits(p, STAMP_SUMMED))
		return WH_ECORRUPT;
	*ret_format = (uint32_t)wh_be_get(p + 8, 4);
	return 0;
}

int
wh_format_put(MDB_txn *txn, MDB_dbi meta, uint32_t format)
{
	uint8_t stamp[STAMP_SIZE] = STAMP_MAGIC;
	MDB_val k = stamp_key();
	MDB_val data = {sizeof(stamp), stamp};

	wh_be_put(stamp + 8, format, 4);
	wh_be_put(stamp + STAMP_SUMMED, XXH3_64bits(stamp, STAMP_SUMMED), 8);
	return wh_mdb_fault(mdb_put(txn, meta, &k, &data, 0));
}
