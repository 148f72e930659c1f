/* SPDX-License-Identifier: MIT */
/*
 * The way out of a failed assertion of LMDB.
 *
 * LMDB calls one function for each environment when an assertion fails, on the
 * thread that ran into it. Each thread keeps where to jump to, for as long as
 * it reads, under a key of the store; without one the process ends as before.
 * What LMDB allocated for the call that was left stays allocated.
 */
#include <setjmp.h>

#include "store/table.h"

static void
on_assert(MDB_env *env, const char *what)
{
	const struct wh_store *s = mdb_env_get_userctx(env);
	jmp_buf *back = pthread_getspecific(s->trap);

	(void)what;
	if (back)
		longjmp(*back, 1);
}

int
wh_trap_init(struct wh_store *s)
{
	int err = pthread_key_create(&s->trap, NULL);

	if (err)
		return err;
	s->has_trap = true;
	err = mdb_env_set_userctx(s->env, s);
	return err ? err : mdb_env_set_assert(s->env, on_assert);
}

void
wh_trap_fini(struct wh_store *s)
{
	if (s->has_trap)
		pthread_key_delete(s->trap);
	s->has_trap = false;
}

/* One call of LMDB and its arguments. */
struct call {
	int (*run)(const struct call *);
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_cursor **ret_cursor;
	MDB_val *key;
	MDB_val *data;
	MDB_cursor_op op;
};

static int
guard(const struct wh_store *s, const struct call *call)
{
	jmp_buf back;

	if (setjmp(back) != 0) {
		pthread_setspecific(s->trap, NULL);
		return MDB_CORRUPTED;
	}
	int err = pthread_setspecific(s->trap, &back);

	if (err)
		return err;
	int rc = call->run(call);

	pthread_setspecific(s->trap, NULL);
	return rc;
}

static int
run_get(const struct call *c)
{
	return mdb_get(c->txn, c->dbi, c->key, c->data);
}

static int
run_cursor_open(const struct call *c)
{
	return mdb_cursor_open(c->txn, c->dbi, c->ret_cursor);
}

static int
run_cursor_get(const struct call *c)
{
	return mdb_cursor_get(c->cursor, c->key, c->data, c->op);
}

int
wh_trap_get(const struct wh_store *s, MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	const struct call call = {
		.run = run_get,
		.txn = txn,
		.dbi = dbi,
		.key = key,
		.data = data,
	};

	return guard(s, &call);
}

int
wh_trap_cursor_open(const struct wh_store *s, MDB_txn *txn, MDB_dbi dbi, MDB_cursor **ret)
{
	const struct call call = {
		.run = run_cursor_open,
		.txn = txn,
		.dbi = dbi,
		.ret_cursor = ret,
	};

	return guard(s, &call);
}

int
wh_trap_cursor_get(const struct wh_store *s, MDB_cursor *c, MDB_val *key, MDB_val *data,
		   MDB_cursor_op op)
{
	const struct call call = {
		.run = run_cursor_get,
		.cursor = c,
		.key = key,
		.data = data,
		.op = op,
	};

	return guard(s, &call);
}
