/* SPDX-License-Identifier: MIT */
/*
 * What a change costs at least if the store is LMDB: bare commits of rows like
 * those that whd leaves, in as many tables, and nothing else: no index rows, no
 * checksums, no decisions, no sockets.
 *
 * "create" is the commit behind the acknowledgement of webhook.create. "drain"
 * is a turn of the queue: the next updates are marked as about to be sent, and
 * those that were sent before are taken into the webhooks and the history.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/floor_lmdb.h"

#define VALUE_MAX 4096

enum table { WEBHOOKS, OVERLAYS, OPERATIONS, HISTORY, CHANGES, COUNTERS, TABLES };

struct store {
	MDB_env *env;
	MDB_dbi dbi[TABLES];
	MDB_txn *txn;
	uint64_t operation, change; /* the last numbers given */
	char value[VALUE_MAX];
};

static void
begin(struct store *s)
{
	must(mdb_txn_begin(s->env, NULL, 0, &s->txn), "begin");
}

static void
commit(struct store *s)
{
	must(mdb_txn_commit(s->txn), "commit");
}

static void
put(struct store *s, enum table table, struct wh_str key, size_t size)
{
	MDB_val k = {key.n, (void *)(uintptr_t)key.p}, v = {size, s->value};

	must(mdb_put(s->txn, s->dbi[table], &k, &v, 0), "put");
}

static void
del(struct store *s, enum table table, struct wh_str key)
{
	MDB_val k = {key.n, (void *)(uintptr_t)key.p};

	must(mdb_del(s->txn, s->dbi[table], &k, NULL), "delete");
}

/* A number as it sorts, in *n. */
static struct wh_str
sorted(uint64_t *n, uint64_t v)
{
	*n = htobe64(v);
	return wh_str((const char *)n, sizeof(*n));
}

/* A change of state is told to whoever follows, and counted. */
static void
put_change(struct store *s, size_t size)
{
	uint64_t n;

	put(s, CHANGES, sorted(&n, ++s->change), size);
}

static void
put_counters(struct store *s)
{
	put(s, COUNTERS, WH_STR("counters"), 528);
}

static void
put_webhook(struct store *s, uint32_t i, size_t size)
{
	char id[BENCH_ID + 1];

	bench_id(id, i);
	put(s, WEBHOOKS, wh_str(id, BENCH_ID), size);
}

/* ---------------------------------------------------------------- create -- */

static void
put_create(struct store *s, size_t size)
{
	char id[64];
	uint64_t n;
	int length =
		snprintf(id, sizeof(id), "tmp-%036llu", (unsigned long long)++s->operation);

	put(s, OPERATIONS, sorted(&n, s->operation), size + 150);
	put(s, OVERLAYS, wh_str(id, (size_t)length), size + 40);
	put_change(s, 80);
	put_change(s, 130);
}

static void
create_turn(struct store *s, const struct bench_options *o, uint32_t turn)
{
	(void)turn;
	for (uint32_t i = 0; i < o->depth; i++)
		put_create(s, o->size);
}

/* ----------------------------------------------------------------- drain -- */

/* The update with number i, from 1, is that of webhook i - 1. */
static void
put_update(struct store *s, uint32_t i, size_t size)
{
	char id[BENCH_ID + 1];
	uint64_t n;

	bench_id(id, i - 1);
	put(s, OPERATIONS, sorted(&n, i), size / 2 + 150);
	put(s, OVERLAYS, wh_str(id, BENCH_ID), size + 40);
}

static void
mark_sending(struct store *s, uint32_t i, size_t size)
{
	uint64_t n;

	put(s, OPERATIONS, sorted(&n, i), size / 2 + 151);
}

static void
take_outcome(struct store *s, uint32_t i, size_t size)
{
	char id[BENCH_ID + 1];
	uint64_t n;

	bench_id(id, i - 1);
	put_webhook(s, i - 1, size);
	del(s, OVERLAYS, wh_str(id, BENCH_ID));
	del(s, OPERATIONS, sorted(&n, i));
	put(s, HISTORY, sorted(&n, i), size / 2);
	put_change(s, 80);
	put_change(s, 130);
}

static void
drain_turn(struct store *s, const struct bench_options *o, uint32_t turn)
{
	uint32_t first = turn * o->depth + 1;

	for (uint32_t i = first; i < first + o->depth; i++) {
		mark_sending(s, i, o->size);
		if (turn > 0)
			take_outcome(s, i - o->depth, o->size);
	}
}

/* ------------------------------------------------------------------- run -- */

static void
open_store(struct store *s, const char *folder)
{
	static const char *const names[TABLES] = {"webhooks", "overlays", "operations",
						  "history",  "changes",  "counters"};

	s->env = open_env(folder, TABLES);
	begin(s);
	for (size_t i = 0; i < TABLES; i++)
		must(mdb_dbi_open(s->txn, names[i], MDB_CREATE, &s->dbi[i]), names[i]);
	commit(s);
}

/* `keys` webhooks are there before, and with `queued` an update of each of the first ones. */
static void
fill(struct store *s, const struct bench_options *o, uint32_t queued)
{
	begin(s);
	for (uint32_t i = 0; i < o->keys; i++)
		put_webhook(s, i, o->size);
	for (uint32_t i = 1; i <= queued; i++)
		put_update(s, i, o->size);
	commit(s);
}

int
bench_store(const struct bench_options *o)
{
	bool drains = wh_str_is(wh_str_c(o->what), "drain");
	struct bench_times *t = wh_xcalloc(1, sizeof(*t));
	struct store *s = wh_xcalloc(1, sizeof(*s));

	if (o->size > VALUE_MAX - 151 || (drains && o->keys / o->depth < o->count))
		bench_die("too large a size, or fewer keys than count times depth");
	open_store(s, o->folder);
	fill(s, o, drains ? o->count * o->depth : 0);
	for (uint32_t turn = 0; turn < o->count; turn++) {
		uint64_t from = bench_now();

		begin(s);
		(drains ? drain_turn : create_turn)(s, o, turn);
		put_counters(s);
		commit(s);
		bench_times_add(t, bench_now() - from);
	}
	printf("{\"commits\": %u, \"per_s\": %.1f, ", o->count,
	       (double)t->n * o->depth / (double)t->sum * 1e9);
	bench_times_print(t);
	puts("}");
	mdb_env_close(s->env);
	free(s);
	free(t);
	return 0;
}
