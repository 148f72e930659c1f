/* SPDX-License-Identifier: MIT */
/*
 * The meta table: format stamp, counters and text values.
 *
 * The counters are one value, because every renewed view reads it and nearly
 * every commit writes it: a list of names, then as many numbers. Names that
 * this version does not know are kept. The format stamp has a layout of its
 * own that never changes, so that any version can read it.
 */
#include <xxhash.h>

#include "store/table.h"

#define COUNTERS_MAX 256     /* known or not */
#define NAMES_MAX 8192       /* bytes of all their names */
#define NAMES_LENGTH_WIDTH 4 /* of the number before them */

/* All names this version knows, each with a 0 behind it, as they are stored. */
static const char known_names[] =
#define WH_META(name, help) #name "\0"
#include "store/meta.def"
#undef WH_META
	;

#define KNOWN_N (sizeof(known_names) - 1)
#define COUNTERS (sizeof(struct wh_meta) / sizeof(uint64_t))

/* The stored value, taken apart. */
struct stored {
	struct wh_str names;
	const uint8_t *numbers;
	size_t count;
};

static int
take_apart(const struct wh_value *value, struct stored *ret)
{
	const uint8_t *p = (const uint8_t *)value->tail.p;
	size_t n = value->tail.n;

	if (n < NAMES_LENGTH_WIDTH)
		return WH_ECORRUPT;
	size_t names_n = (size_t)wh_be_take(&p, NAMES_LENGTH_WIDTH);

	n -= NAMES_LENGTH_WIDTH;
	if (names_n > n || names_n > NAMES_MAX || (n - names_n) % 8 != 0)
		return WH_ECORRUPT;
	ret->names = wh_str((const char *)p, names_n);
	ret->numbers = p + names_n;
	ret->count = (n - names_n) / 8;
	return 0;
}

/* The next name of a list, and the list behind it. False at its end. */
static bool
next_name(struct wh_str *list, struct wh_str *ret)
{
	const char *end = list->n > 0 ? memchr(list->p, 0, list->n) : NULL;

	if (!end)
		return false;
	*ret = wh_str(list->p, (size_t)(end - list->p));
	list->n -= ret->n + 1;
	list->p = end + 1;
	return true;
}

/* The place of a name among those known; COUNTERS if it is not. */
static size_t
known_place(struct wh_str name)
{
	struct wh_str list = wh_str(known_names, KNOWN_N);
	struct wh_str known;
	size_t i = 0;

	while (next_name(&list, &known) && !wh_str_eq(known, name))
		i++;
	return i;
}

static int
stored_counters(const struct wh_view *v, struct stored *ret)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_init(&k);
	wh_key_add(&k, WH_STR(WH_META_COUNTERS_KEY));
	int r = wh_table_get(v, WH_TABLE_META, &k, 0, &value);

	if (r == WH_ABSENT)
		return WH_ECORRUPT;
	return r == 0 ? take_apart(&value, ret) : r;
}

/* Another version wrote them: each is looked for by its name. */
static int
load_by_name(const struct stored *s, uint64_t numbers[COUNTERS])
{
	struct wh_str list = s->names;
	struct wh_str name;
	size_t n = 0;

	for (; next_name(&list, &name); n++) {
		size_t i = known_place(name);

		if (n < s->count && i < COUNTERS)
			numbers[i] = wh_be_get(s->numbers + 8 * n, 8);
	}
	return n == s->count ? 0 : WH_ECORRUPT;
}

static int
load(const struct stored *s, struct wh_meta *ret)
{
	uint64_t numbers[COUNTERS] = {0};
	int r = 0;

	if (s->count == COUNTERS && wh_str_eq(s->names, wh_str(known_names, KNOWN_N)))
		for (size_t i = 0; i < COUNTERS; i++)
			numbers[i] = wh_be_get(s->numbers + 8 * i, 8);
	else
		r = load_by_name(s, numbers);
	if (r == 0)
		memcpy(ret, numbers, sizeof(*ret));
	return r;
}

int
wh_meta_load(const struct wh_view *v, struct wh_meta *ret)
{
	struct stored s;
	int r = stored_counters(v, &s);

	return r < 0 ? r : load(&s, ret);
}

int
wh_meta_decode(const struct wh_value *value, struct wh_meta *ret)
{
	struct stored s;
	int r = take_apart(value, &s);

	return r < 0 ? r : load(&s, ret);
}

/* The value on its way out, in spaces that bound it. */
struct block {
	size_t names_n;
	size_t count;
	char names[NAMES_LENGTH_WIDTH + NAMES_MAX];
	uint8_t numbers[8 * COUNTERS_MAX];
};

static void
add_known(struct block *b, const struct wh_meta *meta)
{
	uint64_t numbers[COUNTERS];

	_Static_assert(COUNTERS <= COUNTERS_MAX && KNOWN_N <= NAMES_MAX, "room for all");
	memcpy(numbers, meta, sizeof(numbers));
	memcpy(b->names + NAMES_LENGTH_WIDTH, known_names, KNOWN_N);
	b->names_n = KNOWN_N;
	for (b->count = 0; b->count < COUNTERS; b->count++)
		wh_be_put(b->numbers + 8 * b->count, numbers[b->count], 8);
}

/* They stand in front, all in order, unless another version wrote them; how many that is. */
static size_t
skip_known(struct stored *s)
{
	if (s->count < COUNTERS || s->names.n < KNOWN_N ||
	    memcmp(s->names.p, known_names, KNOWN_N) != 0)
		return 0;
	s->names = wh_str(s->names.p + KNOWN_N, s->names.n - KNOWN_N);
	return COUNTERS;
}

static int
add_unknown(struct block *b, const struct wh_view *v)
{
	struct wh_str name;
	struct stored s;
	int r = stored_counters(v, &s);

	if (r < 0)
		return r;

	size_t n = skip_known(&s);

	for (; n < s.count && next_name(&s.names, &name); n++) {
		if (known_place(name) < COUNTERS)
			continue;
		if (b->count == COUNTERS_MAX || name.n + 1 > NAMES_MAX - b->names_n)
			return WH_ELIMIT;
		memcpy(b->names + NAMES_LENGTH_WIDTH + b->names_n, name.p, name.n + 1);
		memcpy(b->numbers + 8 * b->count, s.numbers + 8 * n, 8);
		b->names_n += name.n + 1;
		b->count++;
	}
	return 0;
}

static int
put_counters(struct wh_txn *t, struct block *b)
{
	struct wh_draft d;
	struct wh_key k;

	wh_be_put((uint8_t *)b->names, b->names_n, NAMES_LENGTH_WIDTH);
	wh_key_init(&k);
	wh_key_add(&k, WH_STR(WH_META_COUNTERS_KEY));
	wh_draft_init(&d);
	d.tail[0] = wh_str(b->names, NAMES_LENGTH_WIDTH + b->names_n);
	d.tail[1] = wh_str((const char *)b->numbers, 8 * b->count);
	return wh_table_put(t, WH_TABLE_META, &k, &d, NULL);
}

int
wh_meta_flush(struct wh_txn *t)
{
	struct block b;

	if (memcmp(&t->view.meta, &t->was, sizeof(t->was)) == 0)
		return 0;
	add_known(&b, &t->view.meta);
	int r = add_unknown(&b, &t->view);

	return wh_txn_fail(t, r == 0 ? put_counters(t, &b) : r);
}

int
wh_meta_create(struct wh_txn *t)
{
	struct block b;

	add_known(&b, &t->view.meta);
	return put_counters(t, &b);
}

/* ------------------------------------------------------- text values -- */

static void
text_key(struct wh_key *k, const char *name)
{
	wh_key_init(k);
	wh_key_add(k, WH_STR(WH_META_TEXT_KEY));
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
	return (MDB_val){sizeof(WH_META_FORMAT_KEY) - 1, (void *)(uintptr_t)WH_META_FORMAT_KEY};
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
