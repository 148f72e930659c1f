/* SPDX-License-Identifier: MIT */
/* What the floors that write to a bare LMDB share. Included by them alone. */
#pragma once

#include <lmdb.h>

#include "tests/bench/bench.h"

static inline void
must(int rc, const char *what)
{
	if (rc)
		bench_die("%s: %s", what, mdb_strerror(rc));
}

/* An environment in a folder that is there, with room for so many named tables. */
static inline MDB_env *
open_env(const char *folder, unsigned tables)
{
	MDB_env *env;

	must(mdb_env_create(&env), "create");
	must(mdb_env_set_mapsize(env, (size_t)4 << 30), "map size");
	must(mdb_env_set_maxdbs(env, tables), "tables");
	must(mdb_env_open(env, folder, 0, 0600), "open");
	return env;
}
