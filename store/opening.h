/* SPDX-License-Identifier: MIT */
/*
 * The steps of opening a store, and how each says why it refuses.
 *
 * A step returns 0 or a fault; on a fault it has set `why` and written one
 * sentence that names the file and what to do. Internal to store/; used by one
 * thread, before the store exists for others.
 */
#pragma once

#include "store/table.h"

struct wh_opening {
	struct wh_store *s;
	const struct wh_store_options *o;
	bool single_file; /* the path is a copy, not a folder */
	bool for_owner;   /* root works for whoever the folder belongs to */
	enum wh_store_why why;
	struct wh_buf *text;
};

/* Sets why and text; returns `fault`. */
WH_PRINTF(4, 5)
int wh_refuse(struct wh_opening *op, enum wh_store_why why, int fault, const char *fmt, ...);
/* What to do about a data file that cannot be used. */
const char *wh_refuse_advice(const struct wh_opening *op);
/* Says that `doing` (with the path) failed with errno value `err`. */
int wh_refuse_errno(struct wh_opening *op, int err, const char *doing);
/* The same for LMDB's codes. */
int wh_refuse_lmdb(struct wh_opening *op, int rc, const char *doing);

/* place.c: the folder exists, is ours alone and local, and is locked. */
WH_MUST_USE int wh_place_open(struct wh_opening *op);
/* If op->for_owner: what root makes is handed to whoever owns `dir`. 0 or an errno value. */
WH_MUST_USE int wh_place_give(const struct wh_opening *op, int dir, int fd);
/* True for file systems that LMDB cannot be trusted on; magic as of statfs. */
bool wh_place_is_remote(uint32_t magic);

/* create.c: makes the data file if there is none. */
WH_MUST_USE int wh_create_if_absent(struct wh_opening *op);
/* Makes an empty store of one file, committed. */
WH_MUST_USE int wh_create_file(struct wh_opening *op, const char *file);
/* Removes what a creation that was cut short left. */
void wh_create_remove_leftovers(int dir);

/* replace.c: keeps the data file under another name, which is left in `aside`, and puts
 * data.mdb.new in its place, or nothing. */
struct wh_swap {
	const char *label;
	int64_t now; /* wall ms */
	bool has_new;
	char *aside; /* WH_ASIDE_NAME bytes */
};
WH_MUST_USE int wh_replace_swap(struct wh_opening *op, const struct wh_swap *swap);

/* verify.c: what is looked at before LMDB may touch a page, and right after. */
/* Opens the data file for `judge`, which refuses or returns 0. access: O_RDONLY or O_RDWR. */
WH_MUST_USE int wh_with_data_file(struct wh_opening *op, int access,
				  int (*judge)(struct wh_opening *op, int file));
WH_MUST_USE int wh_verify_head(struct wh_opening *op);
WH_MUST_USE int wh_verify_pages(struct wh_opening *op);
WH_MUST_USE int wh_verify_size(struct wh_opening *op);

/* closed.c: takes the note away that says how the file was when it was closed. True if it still
 * is, in the same boot: its pages need not be read. */
bool wh_closed_take(const struct wh_opening *op, int file);

/* env.c: opens `path` as an environment. `flags` are added to those always used. */
WH_MUST_USE int wh_env_open(const char *path, uint64_t max_size, unsigned flags, MDB_env **ret);
/* Opens all tables, creating those that are missing if txn may write. */
WH_MUST_USE int wh_env_open_tables(struct wh_store *s, MDB_txn *txn, unsigned flags);
/* <path>/<name>, or NULL; the caller frees it. */
char *wh_path_join(const char *path, const char *name);
