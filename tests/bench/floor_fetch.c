/* SPDX-License-Identifier: MIT */
/*
 * A list of the API taken over without any thought: downloaded; parsed to
 * MessagePack, too; put into LMDB in one transaction, too.
 */
#include <curl/curl.h>
#include <stdlib.h>

#include "proto/pack.h"
#include "tests/bench/floor_lmdb.h"

#ifndef BENCH_YAJL

int
bench_fetch(const struct bench_options *o)
{
	bench_die("built without yajl: %s needs libyajl-dev", o->verb);
}

#else

#include <yajl/yajl_parse.h>

#define DEPTH 32

struct fetch {
	const struct bench_options *o;
	yajl_handle parser; /* NULL: only downloaded */
	struct wh_buf row;
	size_t place[DEPTH], n[DEPTH], depth;
	uint64_t bytes, rows;
	MDB_env *env;
	MDB_txn *txn; /* NULL: not stored */
	MDB_dbi dbi;
};

/* --------------------------------------------------------------- parsing -- */

static void
count(struct fetch *f)
{
	f->n[f->depth]++;
}

static int
on_null(void *arg)
{
	struct fetch *f = arg;

	count(f);
	wh_pack_nil(&f->row);
	return 1;
}

static int
on_boolean(void *arg, int v)
{
	struct fetch *f = arg;

	count(f);
	wh_pack_bool(&f->row, v);
	return 1;
}

static int
on_integer(void *arg, long long v)
{
	struct fetch *f = arg;

	count(f);
	wh_pack_int(&f->row, v);
	return 1;
}

static int
on_double(void *arg, double v)
{
	struct fetch *f = arg;

	count(f);
	wh_pack_double(&f->row, v);
	return 1;
}

static int
on_string(void *arg, const unsigned char *p, size_t n)
{
	struct fetch *f = arg;

	count(f);
	wh_pack_str(&f->row, wh_str((const char *)p, n));
	return 1;
}

static int
on_key(void *arg, const unsigned char *p, size_t n)
{
	struct fetch *f = arg;

	wh_pack_str(&f->row, wh_str((const char *)p, n));
	return 1;
}

static int
enter(struct fetch *f, bool map)
{
	if (f->depth + 1 == DEPTH)
		return 0;
	count(f);
	f->depth++;
	f->n[f->depth] = 0;
	f->place[f->depth] = map ? wh_pack_open_map(&f->row) : wh_pack_open_array(&f->row);
	return 1;
}

static int
on_map(void *arg)
{
	struct fetch *f = arg;

	if (f->depth == 1)
		wh_buf_reset(&f->row);
	return enter(f, true);
}

static int
on_array(void *arg)
{
	return enter(arg, false);
}

static void
store_row(struct fetch *f)
{
	char id[BENCH_ID + 1];
	MDB_val k = {BENCH_ID, id}, v = {f->row.n, f->row.p};

	bench_id(id, (uint32_t)f->rows);
	must(mdb_put(f->txn, f->dbi, &k, &v, 0), "put");
}

static int
on_map_end(void *arg)
{
	struct fetch *f = arg;

	wh_pack_close_map(&f->row, f->place[f->depth], f->n[f->depth]);
	f->depth--;
	if (f->depth != 1)
		return 1;
	if (f->txn)
		store_row(f);
	f->rows++;
	return 1;
}

static int
on_array_end(void *arg)
{
	struct fetch *f = arg;

	if (f->depth > 1)
		wh_pack_close_array(&f->row, f->place[f->depth], f->n[f->depth]);
	f->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_integer = on_integer,
	.yajl_double = on_double,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_map_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

/* ------------------------------------------------------------ downloading -- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	f->bytes += size * n;
	if (f->parser &&
	    yajl_parse(f->parser, (const unsigned char *)p, size * n) != yajl_status_ok)
		bench_die("the list is no JSON");
	return size * n;
}

static void
download(struct fetch *f)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, f->o->url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
	CURLcode r = curl_easy_perform(easy);

	if (r)
		bench_die("%s: %s", f->o->url, curl_easy_strerror(r));
	curl_easy_cleanup(easy);
}

static void
open_store(struct fetch *f)
{
	f->env = open_env(f->o->folder, 0);
	must(mdb_txn_begin(f->env, NULL, 0, &f->txn), "begin");
	must(mdb_dbi_open(f->txn, NULL, 0, &f->dbi), "open");
}

int
bench_fetch(const struct bench_options *o)
{
	struct fetch f = {.o = o};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!wh_str_is(wh_str_c(o->what), "get"))
		f.parser = yajl_alloc(&callbacks, NULL, &f);
	if (o->folder)
		open_store(&f);
	uint64_t from = bench_now(), cpu = bench_cpu(0);

	download(&f);
	if (f.txn)
		must(mdb_txn_commit(f.txn), "commit");
	printf("{\"bytes\": %llu, \"rows\": %llu, \"ms\": %.2f, \"cpu_ms\": %.2f}\n",
	       (unsigned long long)f.bytes, (unsigned long long)f.rows,
	       (double)(bench_now() - from) / 1e6, (double)(bench_cpu(0) - cpu) / 1e6);
	if (f.env)
		mdb_env_close(f.env);
	if (f.parser)
		yajl_free(f.parser);
	wh_buf_fini(&f.row);
	return 0;
}

#endif
