/* SPDX-License-Identifier: MIT */
/* What a flushed change costs at least: bare LMDB commits, and bare appends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/floor_lmdb.h"

static void
report(const struct bench_times *t, uint32_t rows)
{
	printf("{\"commits\": %llu, \"rows_per_s\": %.1f, ", (unsigned long long)t->n,
	       (double)t->n * rows / (double)t->sum * 1e9);
	bench_times_print(t);
	puts("}");
}

static void
commit(MDB_env *env, MDB_dbi dbi, const struct bench_options *o, uint32_t from)
{
	MDB_txn *txn;
	char id[BENCH_ID + 1];
	char *value = wh_xcalloc(1, o->size);

	must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	for (uint32_t i = 0; i < o->depth; i++) {
		MDB_val k = {BENCH_ID, id}, v = {o->size, value};

		bench_id(id, from + i);
		must(mdb_put(txn, dbi, &k, &v, 0), "put");
	}
	must(mdb_txn_commit(txn), "commit");
	free(value);
}

/* `keys` rows are there before. */
int
bench_commit(const struct bench_options *o)
{
	struct bench_times *t = wh_xcalloc(1, sizeof(*t));
	struct bench_options fill = *o;
	MDB_env *env = open_env(o->folder, 0);
	MDB_txn *txn;
	MDB_dbi dbi;

	must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	must(mdb_dbi_open(txn, NULL, 0, &dbi), "open");
	must(mdb_txn_commit(txn), "commit");
	fill.depth = o->keys;
	commit(env, dbi, &fill, 0);
	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t from = bench_now();

		commit(env, dbi, o, o->keys + i * o->depth);
		bench_times_add(t, bench_now() - from);
	}
	report(t, o->depth);
	mdb_env_close(env);
	free(t);
	return 0;
}

int
bench_flush(const struct bench_options *o)
{
	struct bench_times *t = wh_xcalloc(1, sizeof(*t));
	char path[4096];
	char *value = wh_xcalloc(1, o->size);

	snprintf(path, sizeof(path), "%s/log", o->folder);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		bench_die("cannot make %s", path);
	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t from = bench_now();

		bench_send(fd, wh_str(value, o->size));
		if (fdatasync(fd))
			bench_die("fdatasync");
		bench_times_add(t, bench_now() - from);
	}
	report(t, 1);
	close(fd);
	free(value);
	free(t);
	return 0;
}
