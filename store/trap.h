/* SPDX-License-Identifier: MIT */
/*
 * Reads of LMDB that survive its assertions.
 *
 * On some damaged pages LMDB ends the process by a failed assertion instead of
 * returning an error. A read holds no lock and has nothing half done, so it
 * can be left from the middle; then it is MDB_CORRUPTED. Writes cannot, and
 * still end the process. Internal to store/; any thread.
 */
#pragma once

#include <lmdb.h>

struct wh_store;

/* Prepares an environment; 0 or an errno value. Undone by wh_trap_fini. */
int wh_trap_init(struct wh_store *s);
void wh_trap_fini(struct wh_store *s);

/* As mdb_get, mdb_cursor_open and mdb_cursor_get. */
int wh_trap_get(const struct wh_store *s, MDB_txn *txn, MDB_dbi dbi, MDB_val *key,
		MDB_val *data);
int wh_trap_cursor_open(const struct wh_store *s, MDB_txn *txn, MDB_dbi dbi, MDB_cursor **ret);
int wh_trap_cursor_get(const struct wh_store *s, MDB_cursor *c, MDB_val *key, MDB_val *data,
		       MDB_cursor_op op);
