/* SPDX-License-Identifier: MIT */
/*
 * The one aggregate: every part of the daemon hangs off struct whd, and here
 * is said which thread may touch what. Everything below belongs to the loop
 * thread; the commit threads see only the store and their jobs, the HTTP thread
 * only its own queue.
 */
#pragma once

#include <uv.h>

#include "daemon/alarm.h"
#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/core/op.h"
#include "daemon/crash_point.h"
#include "daemon/keys.h"
#include "daemon/log.h"
#include "proto/command.h"
#include "store/store.h"

struct wh_counters {
#define WH_COUNTER(name, help) uint64_t name;
#include "daemon/counters.def"
#undef WH_COUNTER
};

struct wh_server;
struct wh_writer;
struct wh_pump;
struct wh_http;
struct wh_watch;
struct wh_waits;
struct wh_recall;
struct wh_pool_job;
struct wh_keys_watch;

#define WH_INSTANCE_TEXT 36
/* What a person can do about a store without room. */
#define WHD_MAKE_ROOM "make room on its disk, or raise [store] max_size"

/* Exit statuses besides 0 and 1. */
enum whd_exit_status {
	WHD_EXIT_USAGE = 64,
	WHD_EXIT_SIGBUS = 70,  /* the store's file became shorter, or its device fails */
	WHD_EXIT_RUNNING = 75, /* another whd holds the store or the socket */
	WHD_EXIT_CONFIG = 78,
};

/* Age of the copy and whether it is stale. */
struct wh_hook_age {
	int64_t synced_at; /* wall ms, 0 = never */
	int64_t age_ms;    /* -1 = not known */
	bool stale;
	char packed[64]; /* the members of `_whd` that say so */
	size_t packed_n;
};

struct whd {
	uv_loop_t loop;
	struct wh_now now; /* one reading a turn of the loop */
	struct wh_config *config;
	char *resource; /* address of the API's resource, from [upstream] url */
	struct wh_keys *keys;
	char *keys_error; /* why their file cannot be used now; NULL = it can */
	struct wh_keys_watch *keys_watch;
	struct wh_store *store;
	struct wh_view view;      /* the loop's read snapshot, renewed by commits only */
	struct wh_writer *writer; /* the funnel for all writes */
	struct wh_server *server; /* socket, connections, dispatch */
	struct wh_http *http;     /* transport thread */
	struct wh_pump *pump;     /* what happens at the upstream */
	struct wh_watch *watch;   /* subscribers of the change log */
	struct wh_waits *waits;   /* parked calls */
	struct wh_recall *recall; /* answers given since the last commit */
	struct wh_op_ids op_ids;  /* drawn for changes */
	struct wh_counters counters;
	struct wh_hook_age hook_age; /* as it was told last */
	char instance[WH_INSTANCE_TEXT + 1];
	uint64_t boot;   /* random number of this process */
	bool boot_waits; /* the start had no room to store what became of operations:
			    pump_boot.c */
	struct wh_randoms randoms;
	struct wh_now started;
	struct wh_store_space space; /* sampled at most once a second */
	struct wh_mono space_at;
	struct wh_mono refused_at; /* a change found no room; ms 0 = none, or one did since */
	struct wh_pool_job *pool_job; /* what reads the whole store now, or NULL */
	uv_work_t pool_work;
	struct wh_alarms alarms;
	uv_timer_t backup;  /* when the next one is due */
	int64_t backup_at;  /* wall ms of the last good one, 0 = none is known */
	bool backup_failed; /* the last one by the clock */
	uv_timer_t scrub;   /* when the store is checked by the clock */
	bool repair_asked;  /* the next start is to make the store anew */
	char *damage;       /* what happened to the store, told by status; NULL = nothing */
	struct {
		bool building, failed;
		struct wh_mono again_at; /* once one failed; WH_NEVER: not in this process */
	} index;                         /* by terms: index.c */
	struct {
		uv_timer_t timer;
		uint64_t leave;    /* operations that may stay without index rows */
		uint64_t look_ms;  /* how long nobody brings a change */
		uint64_t pause_ms; /* in its place, after a fault; 0 = the last had none */
		uint64_t commits;  /* when it rang last */
		bool running;
	} catch_up; /* catch_up.c */
	bool stopping;
	uv_timer_t stop_wait; /* how long what is being sent may take at a stop */
	uv_signal_t on_term, on_int, on_hup;
	uv_timer_t upkeep;     /* housekeeping once in a while */
	uv_timer_t watchdog;   /* runs only under systemd */
	uint64_t commits_seen; /* when the watchdog was fed last */
#ifdef WHD_TEST_HOOKS
	struct wh_crash crash;
#endif
};

/*
 * Builds everything from a checked configuration and serves until told to
 * stop; returns the process' exit status. main.c's only call.
 */
int whd_run(struct wh_config *config);
/* Brings d->now up to date; called at the start of every callback from the loop. */
void whd_tick(struct whd *d);
/* The same for what comes by the thousand: libuv read the clock when it woke, and if that was
 * in the ms that is known nothing is read again. */
void whd_tick_late(struct whd *d);
/*
 * After each commit, in this order: renew the view, replies of the jobs (done
 * by the writer), then waits, watch and pump look again.
 */
void whd_on_commit(struct whd *d);
/* Something that was in flight has ended: a stop that waits for that goes on. */
void whd_look_at_stop(struct whd *d);
/* Reads configuration and keys again. 0, or a fault with the lines to show in `text`, in which
 * case nothing changed. text also lists settings that need a restart. */
WH_MUST_USE int whd_reload(struct whd *d, struct wh_buf *text);
