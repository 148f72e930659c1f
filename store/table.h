/* SPDX-License-Identifier: MIT */
/*
 * The store as its own files see it: the environment, and reading, writing
 * and walking one table by key. Everything that touches LMDB's pages goes
 * through here, so that checksums, sticky faults and the mapping of LMDB's
 * error codes exist once. Internal to store/; threads as in store.h.
 */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/key.h"
#include "store/store.h"
#include "store/trap.h"
#include "store/value.h"

#define WH_DATA_FILE "data.mdb"
#define WH_DATA_FILE_NEW "data.mdb.new"
#define WH_LOCK_FILE "whd.lock"
#define WH_MARK_FILE "whd.mark"
#define WH_CLOSED_FILE "whd.closed"

/* A table that a copy made by an older whd does not have; it reads as empty. */
#define WH_NO_TABLE 0

struct wh_store {
	MDB_env *env;
	wh_terms_of *terms; /* NULL: no index by terms is kept */
	MDB_dbi dbi[WH_TABLE_END];
	MDB_dbi main;       /* LMDB's table of these tables */
	const char *map;    /* where the data file begins; NULL: no page is looked for */
	size_t page_size;   /* 0 if the map is not aligned to it */
	int dir;            /* the folder of the store, or of a single file */
	int lock;           /* the locked file; -1 if there is none to lock */
	int mark;           /* the mark; -1 until it was written */
	uint64_t marked[3]; /* what it says that does not change */
	int64_t booted_at;
	bool created;      /* by this opening */
	bool took_back;    /* by this opening: a commit that was cut off */
	uint64_t bad_rows; /* found damaged by this opening */
	bool put_back;
	bool read_only;
	bool beside_writer; /* a check while a whd is running */
	bool has_trap;
	pthread_key_t trap;    /* where a thread that reads jumps back to */
	struct wh_buf scratch; /* the value being written; commit thread only */
	struct wh_seal *seal;  /* of the last commit; NULL: LMDB flushes; commit thread only */
	struct wh_log_row {
		struct wh_buf entries;
		uint64_t first; /* revision; n of them follow one another */
		uint64_t n;
		uint64_t keep;
		bool taken;     /* the row that was left open is among them */
	} log;                  /* what is not put yet of the transaction; commit thread only */
	struct wh_tail *tail;   /* keys of the tail of the queue; commit thread only */
	struct wh_sieve *sieve; /* of the index of operations; NULL: none. Commit thread only */
	uint64_t sieve_from;    /* as in wh_store_options */
	uint64_t settle_from;   /* the same */
	atomic_bool tail_walked;
	struct {
		off_t size; /* of the data file at least */
		off_t used; /* of it, when room was made last */
	} room;             /* commit thread only */
};

/* The one place that turns LMDB's codes and errno values into faults. */
int wh_mdb_fault(int rc);
/* The same for the outcome of a commit: tells a full disk from a broken one. */
int wh_commit_fault(const struct wh_store *s, int rc);
/* The same for a write that did not take all: what it returned, with errno. */
int wh_write_fault(ssize_t done);
/* Keeps the first fault of a transaction; returns `fault`. */
int wh_txn_fail(struct wh_txn *t, int fault);

/* ------------------------------------------------------------- one row -- */

/* 0, WH_ABSENT (a bad key, too) or a fault; WH_ECORRUPT concerns this row. */
WH_MUST_USE int wh_table_get(const struct wh_view *v, enum wh_table table,
			     const struct wh_key *key, size_t min_prefix, struct wh_value *ret);

/* The same, but a wrong checksum is not told: only what is read from any row may be asked. */
WH_MUST_USE int wh_table_peek(const struct wh_view *v, enum wh_table table,
			      const struct wh_key *key, size_t min_prefix,
			      struct wh_value *ret);

enum wh_put {
	WH_PUT_SAME, /* stood there already; nothing was written */
	WH_PUT_NEW,
	WH_PUT_CHANGED, /* replaced what was there, readable or not */
};

struct wh_put_result {
	enum wh_put how;
	size_t old_size; /* 0 if new */
	size_t new_size;
};

/* WH_EINVAL for a bad key. `ret` may be NULL. The draft may borrow from the store. */
WH_MUST_USE int wh_table_put(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
			     const struct wh_draft *d, struct wh_put_result *ret);
/* For a key that is greater than all others of the table: fills pages to the
 * brim. WH_ECORRUPT if it is not greater. */
WH_MUST_USE int wh_table_append(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
				const struct wh_draft *d);
/* For a key that is mostly greater than all others, and that none of them equals: WH_EBUG if
 * one does. */
WH_MUST_USE int wh_table_add(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
			     const struct wh_draft *d, struct wh_put_result *ret);
/* 0, WH_ABSENT or a fault. */
WH_MUST_USE int wh_table_del(struct wh_txn *t, enum wh_table table, const struct wh_key *key);
/* The same, but an absent row is fine: for rows that follow another one. */
WH_MUST_USE int wh_table_drop(struct wh_txn *t, enum wh_table table, const struct wh_key *key);
/* Puts a row that is nothing but its key, without looking whether it is there. */
WH_MUST_USE int wh_table_set(struct wh_txn *t, enum wh_table table, const struct wh_key *key);

/* Removes all rows of a table; its counters are the caller's affair. */
WH_MUST_USE int wh_table_clear(struct wh_txn *t, enum wh_table table);

/* ------------------------------------------------------------- walking -- */

/*
 * A position in the order of the keys. In a transaction it must not be used
 * any more once something was written to its table, only ended.
 */
struct wh_walk {
	const struct wh_view *view;
	MDB_cursor *cursor;
	enum wh_table table;
	MDB_val key;
	MDB_val data;
};

WH_MUST_USE int wh_walk_begin(const struct wh_view *v, enum wh_table table,
			      struct wh_walk *ret);
void wh_walk_end(struct wh_walk *w);
/* Each: 0 (key and data are set), WH_ABSENT at the end, or a fault. */
WH_MUST_USE int wh_walk_first(struct wh_walk *w);
WH_MUST_USE int wh_walk_next(struct wh_walk *w);
WH_MUST_USE int wh_walk_prev(struct wh_walk *w);
WH_MUST_USE int wh_walk_current(struct wh_walk *w); /* only right after it was positioned */
WH_MUST_USE int wh_walk_from(struct wh_walk *w, const struct wh_key *key);   /* >= key */
WH_MUST_USE int wh_walk_after(struct wh_walk *w, const struct wh_key *key);  /* > key */
WH_MUST_USE int wh_walk_before(struct wh_walk *w, const struct wh_key *key); /* < key */
/* Puts a row without looking whether it is there; cheap if its key is right behind the one put
 * before. The position is good for this only. */
WH_MUST_USE int wh_walk_put(struct wh_txn *t, struct wh_walk *w, const struct wh_key *key,
			    const struct wh_draft *d);
/* The value under the position. 0 or WH_ECORRUPT. */
WH_MUST_USE int wh_walk_value(const struct wh_walk *w, size_t min_prefix, struct wh_value *ret);
/* The same, but a wrong checksum is not told. */
WH_MUST_USE int wh_walk_peek(const struct wh_walk *w, size_t min_prefix, struct wh_value *ret);

static inline struct wh_str
wh_walk_key(const struct wh_walk *w)
{
	return wh_str(w->key.mv_data, w->key.mv_size);
}

/* The number that the last 8 bytes of the key spell; 0 for a shorter key. */
static inline uint64_t
wh_walk_order(const struct wh_walk *w)
{
	struct wh_str k = wh_walk_key(w);

	return k.n < 8 ? 0 : wh_be_get((const uint8_t *)k.p + k.n - 8, 8);
}

/* True if the key is `prefix` followed by one number. */
static inline bool
wh_walk_has_prefix(const struct wh_walk *w, const struct wh_key *prefix)
{
	return w->key.mv_size == prefix->n + 8 &&
	       memcmp(w->key.mv_data, prefix->b, prefix->n) == 0;
}

/* ----------------------------------------------------------- change log -- */

/* Puts what the transaction added. */
WH_MUST_USE int wh_changes_flush(struct wh_txn *t);
/* Forgets what a transaction added that is not to be. */
void wh_changes_forget(struct wh_store *s);

/* ---------------------------------------------------------------- room -- */

/* Makes the data file as long as what is in use, after a commit. */
void wh_room_cover(struct wh_store *s);
/*
 * Before a commit. If somebody has cut off the data file what is written behind the cut would
 * make it longer again, with zeros for all that is missing. That raises SIGBUS instead, as
 * every read of the map behind the end of its file does.
 */
void wh_room_look(const struct wh_store *s);

/* ---------------------------------------------------------------- mark -- */

/* The last transaction that the mark in this folder knows of this data file; 0 = none. */
uint64_t wh_mark_txn(int dir, int file);
/* Sets s->put_back; the store is open. */
void wh_mark_judge(struct wh_store *s);
/* Moves the mark on to the last commit, if it was written before. */
void wh_mark_follow(struct wh_store *s);

/* ---------------------------------------------------------------- meta -- */

#define WH_META_COUNTERS_KEY "counters"
#define WH_META_FORMAT_KEY "format"
#define WH_META_TEXT_KEY "text:"

WH_MUST_USE int wh_meta_load(const struct wh_view *v, struct wh_meta *ret);
/* The same from the value itself. 0 or WH_ECORRUPT. */
WH_MUST_USE int wh_meta_decode(const struct wh_value *value, struct wh_meta *ret);
/* The first counters of a new store. */
WH_MUST_USE int wh_meta_create(struct wh_txn *t);
/* Writes the counters if they differ from those at begin. */
WH_MUST_USE int wh_meta_flush(struct wh_txn *t);
/* The format stamp: 0 with the number, WH_ABSENT, WH_ECORRUPT. */
WH_MUST_USE int wh_format_get(const struct wh_store *s, MDB_txn *txn, MDB_dbi meta,
			      uint32_t *ret_format);
WH_MUST_USE int wh_format_put(MDB_txn *txn, MDB_dbi meta, uint32_t format);

static inline MDB_txn *
wh_view_txn(const struct wh_view *v)
{
	return v->mdb;
}
