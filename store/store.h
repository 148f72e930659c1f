/* SPDX-License-Identifier: MIT */
/*
 * The durable state of whd: one LMDB environment, its tables and the
 * invariants between a table and its indexes. Bodies are opaque bytes here:
 * the store knows no webhook, no operation, no JSON, no clock.
 *
 * Threads: reads go through a wh_view, one view per thread at a time; writes
 * through a wh_txn, opened by the commit thread only, which is whichever has it
 * open if there are several. A wh_str returned from a view or transaction
 * borrows LMDB's pages: it is valid until the view is renewed or ended, or, in a
 * transaction, until the next write.
 *
 * Every value carries a checksum over table, key and value (XXH3-64). A value
 * that does not match is WH_ECORRUPT for the caller of that one row.
 * All functions are silent; faults are negative (proto/faults.def).
 */
#pragma once

#include "proto/base.h"
#include "proto/buf.h"

#define WH_STORE_FORMAT 6 /* raised when an older whd could misread the file */

#define WH_ABSENT 1    /* outcome: no such key */
#define WH_STORE_END 2 /* outcome: the scan has no further row */

/* ------------------------------------------------------------- counters -- */

/*
 * The counters of the store. They are read with the view; in a transaction
 * change them in txn->view.meta and the commit writes them. Those that count
 * rows or mark the ends of a table are kept by the functions of that table.
 */
struct wh_meta {
#define WH_META(name, help) uint64_t name;
#include "store/meta.def"
#undef WH_META
};

/* ---------------------------------------------------------------- store -- */

struct wh_store;

/* The tables that hold webhooks. */
enum wh_scan_table { WH_SCAN_ROWS, WH_SCAN_OVERLAYS };

/*
 * Terms: numbers, each a hash of something a body holds, by which webhooks are
 * found. What they are is the affair of a function that the store is given; it
 * is pure and called on any thread.
 */
#define WH_TERMS_VERSION 2 /* raised when that function says something else */
#define WH_TERMS_MAX 320u

struct wh_terms {
	size_t n;
	bool many;                   /* it has more: it is found by every question instead */
	uint64_t term[WH_TERMS_MAX]; /* none is 0; in any order */
};
typedef void wh_terms_of(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret);

struct wh_store_options {
	const char *path;     /* directory of the store; made 0700 if absent */
	wh_terms_of *terms;   /* NULL: the index by terms is neither kept nor checked */
	uint64_t max_size;    /* bytes of address space, fixed while open */
	bool read_only_check; /* for --check: writes nothing; the path may be that of a copy,
				 too */
	int64_t booted_at;    /* wall ms of the machine's boot; 0 = not known: then all pages
				 are read whatever was said when it was closed */
	uint64_t sieve_from;  /* operations with index rows from which on a transaction keeps
				 in memory which forms and groups have none; 0 = when it pays */
	uint64_t settle_from; /* that wait, from which on wh_rows_settle() puts off; 0 = 256 */
};

#define WH_META_INSTANCE "instance" /* the text that a put back store is also known by */

enum wh_store_why {
	WH_STORE_WHY_NONE,
	WH_STORE_WHY_LOCKED,    /* another whd holds it */
	WH_STORE_WHY_REMOTE_FS, /* LMDB is not safe on network file systems */
	WH_STORE_WHY_TRUNCATED, /* the file is shorter than its last page */
	WH_STORE_WHY_DAMAGED,   /* pages that are in use are damaged */
	WH_STORE_WHY_FORMAT,    /* a newer format */
	WH_STORE_WHY_SYSTEM,    /* errno says */
	WH_STORE_WHY_LMDB,      /* not LMDB's file, not whd's, or meta pages lost */
};

/*
 * Opens or creates the store. Creation is atomic: built in a sibling folder,
 * flushed, renamed. On a fault *ret_why and the sentence in `text` say what is
 * wrong with which file and what to do. The lock file keeps a second whd out.
 */
WH_MUST_USE int wh_store_open(struct wh_store **ret, const struct wh_store_options *o,
			      enum wh_store_why *ret_why, struct wh_buf *text);
/* Confirmed rows that were found damaged when it was opened: they, or others, may be missed by
 * those who ask for them. */
uint64_t wh_store_bad_rows(const struct wh_store *s);
/* True if the last commit was cut off by the end of the machine, or of whd, and was taken back
 * by this opening. Nothing of it had been acknowledged. */
bool wh_store_took_back(const struct wh_store *s);
/* A file without a name beside the data file, for who needs room for a while; the caller closes
 * it. -1: the file system has none. Any thread. */
int wh_store_temp(const struct wh_store *s);
/* Makes the data file longer than it need be if it is growing, since a commit that has to do
 * that is slow. The thread that has committed, when nobody waits for it. */
void wh_store_make_room(struct wh_store *s);
/* To be said right before it is closed, if nothing was found wrong with it: who opens the same
 * file in the same boot, and finds that nobody has written to it since, need not read all of
 * its pages. */
void wh_store_rest(struct wh_store *s);
struct wh_store *wh_store_close(struct wh_store *s); /* NULL is fine; returns NULL */

struct wh_store_space {
	uint64_t map_size; /* bytes */
	uint64_t used;     /* last page minus free pages, in bytes */
	uint64_t file_size;
	uint64_t disk_free; /* bytes left on its file system for us */
	unsigned readers;   /* reader slots in use */
};
/* Any thread; opens a short view of its own. */
WH_MUST_USE int wh_store_space(struct wh_store *s, struct wh_store_space *ret);
/* Frees reader slots of dead processes. Any thread. */
void wh_store_reap_readers(struct wh_store *s);
/*
 * A consistent, compacted, flushed copy as one file, mode 0600, that was checked and then
 * renamed. Any thread; reads everything twice. A file that is there is never replaced, and of a
 * damaged store no copy is made (WH_ECORRUPT). On a fault `why` holds one sentence.
 */
WH_MUST_USE int wh_store_copy(struct wh_store *s, const char *file, struct wh_buf *why);
#define WH_COPY_SUFFIX ".whd-new" /* behind the name of one that is not finished */

/*
 * True if the data file is not the one that this folder had when it was marked last, or is an
 * older state of it: a copy put back, a store that was moved, or a file whose mark was lost.
 * What it knows of operations may then be out of date.
 */
bool wh_store_was_put_back(const struct wh_store *s);
/* From now on this file, as it is, is the one of the folder; each commit moves the mark on.
 * Commit thread, or before there is one. On a fault the next start takes it as put back. */
WH_MUST_USE int wh_store_mark(struct wh_store *s);

#define WH_ASIDE_NAME 96

struct wh_replacement {
	const char *file;  /* NULL = nothing: the next start begins with an empty store */
	const char *label; /* the old data file is kept as data.mdb.<label>-<time> */
	int64_t now;       /* wall ms */
	/* results */
	enum wh_store_why why;     /* LOCKED: a whd is running */
	unsigned damages;          /* found in the new file */
	struct wh_meta meta;       /* of the new file */
	char aside[WH_ASIDE_NAME]; /* name of the old file in the folder; "" = there was none */
};
/*
 * Puts a checked copy of a file in place of the store's data file. Refuses while the store is
 * open elsewhere. On a fault nothing was changed, and text holds one sentence.
 */
WH_MUST_USE int wh_store_replace(const struct wh_store_options *o, struct wh_replacement *r,
				 struct wh_buf *text);

struct wh_salvaged {
	int64_t now; /* wall ms */
	/* results */
	enum wh_store_why why;
	uint64_t rows;             /* of all tables, that could be read */
	uint64_t problems;         /* told */
	char aside[WH_ASIDE_NAME]; /* name of the damaged file in the folder */
};
typedef void wh_check_report(void *ctx, const char *table, const char *sentence);
/*
 * Makes the store anew from what can be read of its data file, which is kept as
 * data.mdb.damaged-<time>; says what was lost. The text WH_META_DAMAGE of the new store tells
 * it in one sentence; at its first opening it was put back. Operations that were lost, or that
 * may be older than they were, are found by wh_damaged_next. On a fault nothing was changed,
 * and text holds one sentence; a file in which nothing of whd's is found is left alone.
 */
WH_MUST_USE int wh_store_salvage(const struct wh_store_options *o, struct wh_salvaged *ret,
				 wh_check_report *report, void *ctx, struct wh_buf *text);
#define WH_META_LOG "log" /* the newest entries of the change log */
#define WH_META_DAMAGE "damage"
/* Not empty: what is made of rows has to be made again. */
#define WH_META_REBUILD "rebuild"
/* Not empty: damage was found that the next start has to deal with. */
#define WH_META_REPAIR "repair"

/* ----------------------------------------------------- views and writes -- */

struct wh_view {
	struct wh_store *store;
	void *mdb;                      /* MDB_txn */
	bool writing;                   /* it is the view of a wh_txn */
	struct wh_meta meta;            /* as of this view */
	uint64_t renewals;              /* tell its snapshots from one another */
	struct wh_shortcuts *shortcuts; /* where rows lie that were read; may be NULL */
	struct wh_tail_keys *ids;       /* of operations that came last; may be NULL */
};

struct wh_txn {
	struct wh_view view;    /* reads inside the transaction; view.meta is current */
	struct wh_meta was;     /* as read at begin, to write only what changed */
	int fault;              /* sticky: after a fault every call returns it */
	void *ctx;              /* of whoever began it; NULL until set. Not looked at here */
	struct wh_buf *touches; /* borrowed log, see below; NULL = nobody wants it */
};

/*
 * A read snapshot. Begin once, renew after each commit, end before close.
 * Renewing moves to the newest commit; borrowed bytes die. After a fault of
 * renew the view can only be renewed again or ended. After a read met a damaged
 * page (WH_ECORRUPT), further reads of the view may be WH_ECORRUPT until it is
 * renewed; a damaged row concerns that row only.
 */
WH_MUST_USE int wh_view_begin(struct wh_store *s, struct wh_view *ret);
WH_MUST_USE int wh_view_renew(struct wh_view *v);
void wh_view_end(struct wh_view *v); /* a second time is fine */
/* From now on the view keeps in mind where rows lie that it has read, until it is renewed, and
 * the ids of operations that came last, while they are many: for the one that is asked all the
 * time. Costs 20 to 40 bytes a row, and 25 for each of these operations. */
void wh_view_remember(struct wh_view *v);

/*
 * Every fault of a function that takes the transaction is sticky; reads through
 * t->view are not. Rows that were read may be handed back to a put: what is
 * written is copied first.
 */
WH_MUST_USE int wh_txn_begin(struct wh_store *s, struct wh_txn *ret);
/* 0, or a fault after which nothing of the transaction happened; WH_EIO means
 * that the state of the device is unknown and the process must end. */
WH_MUST_USE int wh_txn_commit(struct wh_txn *t);
void wh_txn_abort(struct wh_txn *t);

/* Text values in the meta table: instance, upstream url, gate memory. */
WH_MUST_USE int wh_meta_text(const struct wh_view *v, const char *name,
			     struct wh_str *ret); /* WH_ABSENT */
WH_MUST_USE int wh_meta_put_text(struct wh_txn *t, const char *name, struct wh_str value);

/* ----------------------------------------------------------------- keys -- */

#define WH_KEY_MAX 256

/* The key form of a whid: GUIDs in lower case, all else as it is. Writes at most WH_KEY_MAX
 * bytes to buf and returns a view of it; an over-long id gives WH_STR_NULL. */
struct wh_str wh_key_fold(struct wh_str whid, char buf[WH_KEY_MAX]);

/* ------------------------------------------------------- confirmed rows -- */

/* What the upstream last said of one webhook, and what we know of that word. */
struct wh_row {
	uint64_t revision;    /* of its last effective change */
	uint64_t first_list;  /* number of the list that first held the id */
	uint64_t confirm;     /* confirm counter when last confirmed or touched */
	uint64_t claim;       /* seq of the create that made or adopted it; 0 */
	int64_t confirmed_at; /* wall ms when the reply, GET or list that wrote it began; 0 =
				 not known. A list that finds it as it is leaves it alone, and
				 so does one that changes a row with a claim */
	struct wh_str body;   /* msgpack map */
};

/* Keys: whid as wh_key_fold() leaves it, so that GUIDs match in any case. */
WH_MUST_USE int wh_rows_get(const struct wh_view *v, struct wh_str whid, struct wh_row *ret);
/* It will be read next: the processor fetches meanwhile what leads to it. */
void wh_rows_expect(const struct wh_view *v, struct wh_str whid);
WH_MUST_USE int wh_rows_put(struct wh_txn *t, struct wh_str whid, const struct wh_row *row);
WH_MUST_USE int wh_rows_del(struct wh_txn *t, struct wh_str whid); /* WH_ABSENT */
/* As wh_rows_put(), and wh_overlays_del() for its overlay. While many operations wait, and if
 * that shows what the row becomes, both are only noted, and written by wh_settled_catch_up():
 * up to `max` at once, or who changes the webhook again. Nobody sees a difference. */
WH_MUST_USE int wh_rows_settle(struct wh_txn *t, struct wh_str whid, const struct wh_row *row);
WH_MUST_USE int wh_settled_catch_up(struct wh_txn *t, size_t max);

/*
 * Touches: what a transaction did to confirmed rows, in order, in the buffer that
 * txn->touches points to. Every put and delete of a row is there; a body may add that the row
 * as it is now is what a text, known by its hash, stands for. The log counts once the
 * transaction is committed; a fault of the buffer means that some are missing.
 */
struct wh_touch {
	struct wh_hash text; /* zeros: the row was written or removed */
	struct wh_str key;
};
void wh_touch_row(struct wh_txn *t, struct wh_str key); /* by wh_rows_put and wh_rows_del */
void wh_touch_learn(struct wh_txn *t, struct wh_str key, struct wh_hash text);
/* Takes the next one from the front of *rest; false: no more. Its key borrows from rest. */
bool wh_touches_next(struct wh_str *rest, struct wh_touch *ret);

/* ------------------------------------------------------------ overlays -- */

/*
 * The effective row of a webhook whose lane has live operations; a webhook
 * without an overlay is served from its confirmed row. Key: whid, or the local
 * id of a create.
 */
struct wh_overlay {
	uint64_t revision;
	uint32_t pending;     /* live operations */
	uint8_t state;        /* enum wh_webhook_state (daemon/core/op.h) */
	bool hidden;          /* a pending delete, or withheld while a create is undecided */
	struct wh_str tmp_id; /* local id, empty if none */
	struct wh_str body;   /* msgpack map; empty for a hidden one */
	uint64_t newest;      /* seq of the newest operation in its lane, so that it is found by
				 its terms with that one; 0 = it is found by itself */
	/* So many of the last bytes of its body are in the body of that operation, too, from
	 * shared_at on. They are stored there alone while the operation waits for its index
	 * rows; whoever writes the operation writes its overlay behind it. */
	uint32_t shared, shared_at;
};

/* A body that is not in one place is put together in room, and borrows from it. Without room
 * (NULL) nobody looks at the body, which may be only how it begins. */
WH_MUST_USE int wh_overlays_get(const struct wh_view *v, struct wh_str whid,
				struct wh_buf *room, struct wh_overlay *ret);
WH_MUST_USE int wh_overlays_put(struct wh_txn *t, struct wh_str whid,
				const struct wh_overlay *o);
/* The same for a local id that was just drawn, after the operation in its lane: nothing is
 * looked for. WH_EBUG if there is one. */
WH_MUST_USE int wh_overlays_add(struct wh_txn *t, struct wh_str tmp_id,
				const struct wh_overlay *o);
WH_MUST_USE int wh_overlays_del(struct wh_txn *t, struct wh_str whid); /* WH_ABSENT */

/* Ids whose deletion was confirmed, with the confirm counter of then, so that
 * a list begun earlier does not bring them back. */
WH_MUST_USE int wh_tombs_get(const struct wh_view *v, struct wh_str whid,
			     uint64_t *ret_confirm);
WH_MUST_USE int wh_tombs_put(struct wh_txn *t, struct wh_str whid, uint64_t confirm);
/* Drops tombs with a confirm counter below `before`. */
WH_MUST_USE int wh_tombs_trim(struct wh_txn *t, uint64_t before);

/* A request that changes a webhook and may still be carried out, though the upstream did not
 * show its effect when it was looked for. */
struct wh_late {
	uint64_t seq;  /* of its operation; 0: of several */
	uint64_t boot; /* the process that knows when it ended (boot counter) ... */
	int64_t since; /* ... by its monotonic ms */
	bool answered; /* with a complete 5xx: short settle time */
};
WH_MUST_USE int wh_late_get(const struct wh_view *v, struct wh_str whid, struct wh_late *ret);
WH_MUST_USE int wh_late_put(struct wh_txn *t, struct wh_str whid, const struct wh_late *late);
WH_MUST_USE int wh_late_del(struct wh_txn *t, struct wh_str whid); /* WH_ABSENT */
/* *whid becomes the first id behind it (empty: of all), in room. 0, WH_ABSENT or a fault. */
WH_MUST_USE int wh_late_next(const struct wh_view *v, char room[WH_KEY_MAX],
			     struct wh_str *whid);

/* Local id of a create -> whid. Kept for ever. */
WH_MUST_USE int wh_aliases_get(const struct wh_view *v, struct wh_str tmp_id,
			       struct wh_str *ret_whid);
WH_MUST_USE int wh_aliases_put(struct wh_txn *t, struct wh_str tmp_id, struct wh_str whid);

/* ---------------------------------------------------------- operations -- */

#define WH_OP_ID 16 /* bytes of an operation id (UUIDv7) */
#define WH_NOT_DUE INT64_MAX
#define WH_DUE_AT_ONCE 0 /* none is due before this */

/*
 * An operation that has not ended (or is dead). It is found from the transaction on that
 * puts it: by id, by lane, by state, by state and due time (only if due_at is not
 * WH_NOT_DUE), by its form and by each group that is not 0.
 */
#define WH_OP_GROUPS 2 /* append only with a new format: the prefix holds them */

struct wh_oprow {
	uint64_t seq; /* order; the key */
	uint8_t id[WH_OP_ID];
	struct wh_str lane;           /* folded whid or local id */
	uint8_t state;                /* enum wh_op_state */
	int64_t due_at;               /* wall ms when the pump should look at it */
	uint64_t group[WH_OP_GROUPS]; /* numbers of what it shares with others; 0 = in none */
	bool in_hand;                 /* comes before all others of its groups */
	uint64_t form;      /* hash of what it wants; 0 = nobody looks for it by that */
	struct wh_str body; /* daemon/core/op.h encodes it */
};

WH_MUST_USE int wh_ops_get(const struct wh_view *v, uint64_t seq, struct wh_oprow *ret);
WH_MUST_USE int wh_ops_find(const struct wh_view *v, const uint8_t id[WH_OP_ID],
			    uint64_t *ret_seq);
/*
 * Inserts or replaces; keeps the indexes, meta.ops_<state>, op_bytes and op_seq
 * (never below a seq that was put) right. WH_EINVAL: seq 0, a state above dead, due before 0,
 * a lane that is empty, over-long or holds 0x00. WH_EBUG: the id belongs to
 * another seq. WH_ECORRUPT: the row that is there is damaged; it is left alone.
 */
WH_MUST_USE int wh_ops_put(struct wh_txn *t, const struct wh_oprow *op);
/* The same for one that comes after all that were ever put. WH_EBUG if it does not. */
WH_MUST_USE int wh_ops_add(struct wh_txn *t, const struct wh_oprow *op);
/* WH_ABSENT. One whose row is damaged is removed, too, with what leads to it. */
WH_MUST_USE int wh_ops_del(struct wh_txn *t, uint64_t seq);
/* seqs of a lane in order, at most max; *ret_n how many there are in it up to max. */
WH_MUST_USE int wh_ops_lane(const struct wh_view *v, struct wh_str lane, uint64_t *ret_seqs,
			    size_t max, size_t *ret_n);
/*
 * Those that came last are found by reading them one by one; their index rows are written
 * later, for many at once. They are behind: at most 131,072, or who adds one writes some.
 * Catching up writes the index rows of the `max` oldest of them if more than `behind` are.
 */
/* So many are read through without harm; by who reads more it is known, and they catch up. */
#define WH_BEHIND_FEW 1024u
/* A fair max: on a fast disk 40 ms in which no change is answered; the most, of which each
 * takes half the time, 80 ms. */
#define WH_CATCH_UP 1024u
#define WH_CATCH_UP_MOST (4 * WH_CATCH_UP)
uint64_t wh_ops_behind(const struct wh_meta *m);
WH_MUST_USE int wh_ops_catch_up(struct wh_txn *t, uint64_t behind, size_t max);
/* Somebody read through more than WH_BEHIND_FEW since this was asked. Any thread. */
bool wh_ops_tail_walked(struct wh_store *s);
struct wh_due {
	uint8_t state;
	int64_t due_at;
	uint64_t seq;
};
#define WH_DUE_FIRST(state) ((struct wh_due){(uint8_t)(state), INT64_MIN, 0})
/* The ops in the state of `after` with the earliest due times behind it, at most max. */
WH_MUST_USE int wh_ops_due(const struct wh_view *v, const struct wh_due *after,
			   struct wh_due *ret, size_t max, size_t *ret_n);
struct wh_member {
	uint64_t seq;
	bool in_hand;
};
/* The first of a group but `except` (0 = none): those in hand, then by seq. WH_ABSENT. */
WH_MUST_USE int wh_ops_first_in_group(const struct wh_view *v, size_t which, uint64_t group,
				      uint64_t except, struct wh_member *ret);
/* The first with this form. WH_ABSENT. */
WH_MUST_USE int wh_ops_first_of_form(const struct wh_view *v, uint64_t form, uint64_t *ret_seq);
/* The first op in `state` with seq > after. WH_ABSENT. */
WH_MUST_USE int wh_ops_next_in_state(const struct wh_view *v, uint8_t state, uint64_t after,
				     uint64_t *ret_seq);
/* The first op with seq > after, any state. WH_ABSENT. */
WH_MUST_USE int wh_ops_next(const struct wh_view *v, uint64_t after, uint64_t *ret_seq);

/* An operation that was lost or may be older than it was: until a start has dealt with it. */
struct wh_damaged {
	uint64_t seq;
	bool has_id;
	uint8_t id[WH_OP_ID];
	struct wh_str lane; /* empty = not known */
};
/* The first with seq > after. WH_ABSENT. */
WH_MUST_USE int wh_damaged_next(const struct wh_view *v, uint64_t after,
				struct wh_damaged *ret);
WH_MUST_USE int wh_damaged_put(struct wh_txn *t, const struct wh_damaged *d);
WH_MUST_USE int wh_damaged_forget(struct wh_txn *t);

/* -------------------------------------------------------------- history -- */

/* Ended operations, ordered by when they ended (`end` is a counter, meta.history_head). */
struct wh_past {
	uint64_t end;
	uint8_t id[WH_OP_ID];
	int64_t ended_at; /* wall ms */
	uint8_t state;
	struct wh_str lane;
	struct wh_str body;
};

/* Appends with end = ++meta.history_head. Its index row by lane is written later, as those of
 * operations are: 32,768 may be behind, or who adds one writes some. */
WH_MUST_USE int wh_history_add(struct wh_txn *t, struct wh_past *past);
uint64_t wh_history_behind(const struct wh_meta *m);
/* As wh_ops_catch_up(). */
WH_MUST_USE int wh_history_catch_up(struct wh_txn *t, uint64_t behind, size_t max);
WH_MUST_USE int wh_history_find(const struct wh_view *v, const uint8_t id[WH_OP_ID],
				struct wh_past *ret);
/* The newest with end < before (UINT64_MAX to start). WH_ABSENT. With WH_ECORRUPT ret->end is
 * set: go on from there. */
WH_MUST_USE int wh_history_before(const struct wh_view *v, uint64_t before,
				  struct wh_past *ret);
/* The same of a lane, which may have had another name before: empty if it had none. */
WH_MUST_USE int wh_history_before_in_lane(const struct wh_view *v, uint64_t before,
					  struct wh_str lane, struct wh_str other,
					  struct wh_past *ret);
/* The same among one state. */
WH_MUST_USE int wh_history_before_in_state(const struct wh_view *v, uint64_t before,
					   uint8_t state, struct wh_past *ret);
/* Drops the oldest: those beyond max_count, and those ended before `ended_before`; at most
 * `budget` rows a call. */
WH_MUST_USE int wh_history_trim(struct wh_txn *t, uint64_t max_count, int64_t ended_before,
				unsigned budget);

/* ---------------------------------------------------------- request ids -- */

/* (uid, method, request_id) -> op, with a hash of the parameters. */
struct wh_request {
	uint32_t uid;
	uint16_t method;          /* enum wh_cmd_id */
	struct wh_str request_id; /* 1..128 B */
	uint8_t op[WH_OP_ID];
	uint64_t params_hash[2];
	int64_t at; /* wall ms */
};
WH_MUST_USE int wh_requests_get(const struct wh_view *v,
				struct wh_request *inout); /* fills op, hash, at */
WH_MUST_USE int wh_requests_put(struct wh_txn *t, const struct wh_request *r);
/* Drops those older than `before`, at most `budget` a call. */
WH_MUST_USE int wh_requests_trim(struct wh_txn *t, int64_t before, unsigned budget);

/* ----------------------------------------------------------- change log -- */

/* Appends with revision ++meta.revision, to be read once the transaction is committed. At least
 * the newest `keep` entries are kept, and soon no more than those, a 256th of them and the rest
 * of a row. body: msgpack map. */
WH_MUST_USE int wh_changes_add(struct wh_txn *t, struct wh_str body, uint64_t keep,
			       uint64_t *ret_revision);
/* Forgets the log and goes on `ahead` revisions higher; wants an entry in the same transaction.
 */
WH_MUST_USE int wh_changes_jump(struct wh_txn *t, uint64_t ahead);
/* The first entry with a revision > after. WH_ABSENT. Oldest kept is meta.change_tail (0 =
 * none). With WH_ECORRUPT *ret_revision is set: go on from there. Who raises meta.revision by
 * hand adds an entry in the same transaction, so that the newest one is meta.revision. */
WH_MUST_USE int wh_changes_next(const struct wh_view *v, uint64_t after, uint64_t *ret_revision,
				struct wh_str *ret_body);

/* ---------------------------------------------------------------- scans -- */

/*
 * Ordered scans over webhooks by key. A scan lives inside one callback and is
 * ended before the view is renewed.
 */
struct wh_scan {
	const struct wh_view *view;
	void *cursor;
	enum wh_scan_table table;
	struct wh_ahead {
		const char *leaf;   /* the page it is on */
		const char *above;  /* the one that leads there; NULL: not known */
		size_t next;        /* the child of that one which comes next */
		const char *coming; /* that child, of which so much was not asked for */
		size_t left;
		uint64_t last; /* number of the last page */
	} ahead;               /* pages_ahead.h */
	struct wh_buf room;    /* for a body that is not in one place */
	bool started;
	int found; /* 0, WH_ABSENT or a fault: what the last step met */
};

/* Positions before the first key > after (empty = the first of all). */
WH_MUST_USE int wh_scan_begin(const struct wh_view *v, enum wh_scan_table table,
			      struct wh_str after, struct wh_scan *ret);
/* 0 with *ret_key and the row or overlay (the one of the table; the other pointer may be NULL),
 * WH_STORE_END at the end, WH_ECORRUPT for a damaged row (key is set; go on with the next
 * call). A fault with an empty key means that the rest cannot be reached: the list is not
 * complete, and every further call is WH_STORE_END. */
WH_MUST_USE int wh_scan_next(struct wh_scan *s, struct wh_str *ret_key, struct wh_row *ret_row,
			     struct wh_overlay *ret_overlay);
void wh_scan_end(struct wh_scan *s);

/* ------------------------------------------------- webhooks by terms -- */

/*
 * Every confirmed row, and every overlay that is not hidden, is in the index
 * by the terms of its body, from the transaction on that puts it. The index is
 * whole, and may be read, while meta.terms is WH_TERMS_VERSION; else it is to be
 * built, which also is what a damaged row that was replaced makes of it.
 */
struct wh_term_scan {
	const struct wh_view *view;
	enum wh_scan_table table;
	uint64_t term;
	bool damaged;
	struct {
		void *cursor;
		struct wh_str id; /* the next; empty at the end */
	} at[2];                  /* of the term; of those that have too many */
	struct wh_str *recent;    /* ids whose index rows are yet to be written, in order */
	size_t n_recent, at_recent;
};
/* Positions before the first id > after (empty = the first of all). */
WH_MUST_USE int wh_terms_begin(const struct wh_view *v, enum wh_scan_table table, uint64_t term,
			       struct wh_str after, struct wh_term_scan *ret);
/* 0 with the next id, in order, of a row that may have the term: look at it. WH_STORE_END.
 * WH_ECORRUPT: the index is damaged, what was found so far may lack some: scan instead. */
WH_MUST_USE int wh_terms_next(struct wh_term_scan *s, struct wh_str *ret_id);
void wh_terms_end(struct wh_term_scan *s);

/*
 * Building the index, a slice a transaction, while others write. It grows in
 * the order of its terms, so that each of its pages is written a few times
 * only; that takes reading all rows once for each sixteenth.
 */
struct wh_terms_build {
	bool begun, done;
	unsigned window; /* the sixteenth it is at */
	enum wh_scan_table table;
	size_t after_n;
	char after[256];
};
/* Zeroed at first; goes on with about `budget` rows, starts over if the index was lost
 * meanwhile. */
WH_MUST_USE int wh_terms_build(struct wh_txn *t, struct wh_terms_build *b, unsigned budget);

/* ------------------------------------------------------------ integrity -- */

/*
 * Verifies checksums of every value and every invariant between tables and
 * indexes in one read snapshot. 0 if clean, WH_ECORRUPT if anything was
 * reported, another fault if it could not be read. deep = false (start-up)
 * checks meta, ops and what leads to them, and aliases; not rows, overlays,
 * tombs, history, request ids, changes and terms.
 */
WH_MUST_USE int wh_store_check(struct wh_store *s, bool deep, wh_check_report *report,
			       void *ctx);
