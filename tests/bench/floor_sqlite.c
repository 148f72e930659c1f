/* SPDX-License-Identifier: MIT */
/* The same change in SQLite: WAL, synchronous=FULL, one insert a transaction. */
#include <stdlib.h>

#include "tests/bench/bench.h"

#ifndef BENCH_SQLITE

int
bench_sqlite(const struct bench_options *o)
{
	bench_die("built without SQLite: %s needs libsqlite3-dev", o->verb);
}

#else

#include <sqlite3.h>

static void
must(sqlite3 *db, int rc, int wanted)
{
	if (rc != wanted)
		bench_die("sqlite: %s", sqlite3_errmsg(db));
}

static void
insert(sqlite3 *db, sqlite3_stmt *put, const struct bench_options *o, uint32_t i)
{
	char id[BENCH_ID + 1];

	bench_id(id, i);
	must(db, sqlite3_bind_text(put, 1, id, BENCH_ID, SQLITE_STATIC), SQLITE_OK);
	must(db, sqlite3_bind_zeroblob(put, 2, (int)o->size), SQLITE_OK);
	must(db, sqlite3_step(put), SQLITE_DONE);
	must(db, sqlite3_reset(put), SQLITE_OK);
}

static sqlite3 *
open_db(const struct bench_options *o)
{
	char path[4096];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/sqlite", o->folder);
	must(NULL, sqlite3_open(path, &db), SQLITE_OK);
	must(db,
	     sqlite3_exec(db,
			  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			  "CREATE TABLE t (id TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID",
			  NULL, NULL, NULL),
	     SQLITE_OK);
	return db;
}

int
bench_sqlite(const struct bench_options *o)
{
	struct bench_times *t = wh_xcalloc(1, sizeof(*t));
	sqlite3 *db = open_db(o);
	sqlite3_stmt *put;

	must(db, sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?, ?)", -1, &put, NULL),
	     SQLITE_OK);
	must(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	for (uint32_t i = 0; i < o->keys; i++)
		insert(db, put, o, i);
	must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t from = bench_now();

		insert(db, put, o, o->keys + i);
		bench_times_add(t, bench_now() - from);
	}
	printf("{\"commits\": %u, \"rows_per_s\": %.1f, ", o->count,
	       (double)t->n / (double)t->sum * 1e9);
	bench_times_print(t);
	puts("}");
	sqlite3_finalize(put);
	sqlite3_close(db);
	free(t);
	return 0;
}

#endif
