/* SPDX-License-Identifier: MIT */
/*
 * The fault rules: which requests are to go wrong, and how often.
 *
 * A rule matches requests, skips some, then hits some; inject.c does to a
 * request what the rule says.  Belongs to the simulator's state; every call
 * needs its lock.  Rules are counted references, since a request that is held
 * by one outlives its removal.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/form.h"
#include "tests/whsim/request.h"

enum wh_fault_action {
#define WH_FAULT(id, name, executes, params, help) id,
#include "tests/whsim/faults.def"
#undef WH_FAULT
	WH_FAULT_ACTIONS
};

enum { WH_FAULT_RULES_MAX = 1000 };

/* What a rule says; members that an action does not take have their default. */
struct wh_fault_spec {
	/* which requests */
	char method[17];
	char whid[257];
	char body_contains[257];
	enum wh_tri list;
	bool reused_only;
	int64_t skip;
	int64_t count; /* -1 = until the rule is removed */
	double probability;
	int64_t seed;
	/* what happens */
	enum wh_fault_action action;
	int64_t ms;
	int64_t bytes;
	int64_t status; /* 0 = what the action does by itself */
	int64_t seconds;
	bool chunked;
	bool reset;
	bool resume;
	bool unread;
	bool drop;
	bool missing;
	bool http_date;
	enum wh_tri execute;
	char location[513];
	char content_type[129];
	char period[33];
	json_t *body;
	json_t *headers;
};

struct wh_fault {
	struct wh_fault *next;
	int refs;
	int64_t id;
	struct wh_fault_spec spec;
	json_t *given; /* as it was asked for */
	uint64_t coin;
	int64_t matched;
	int64_t hits;
	bool removed;
};

struct wh_faults {
	struct wh_fault *first;
	int64_t numbered;
	size_t count;
};

void wh_faults_init(struct wh_faults *faults);

/* Removes all rules; who is held by one is released. */
void wh_faults_clear(struct wh_faults *faults);

/*
 * Adds a rule at the end.  Returns its id, or -EINVAL with a sentence in
 * `ret_problem`.
 */
int64_t wh_faults_add(struct wh_faults *faults, json_t *given, struct wh_buf *ret_problem);

/* Removes a rule; returns 0, or -ENOENT. */
int wh_faults_del(struct wh_faults *faults, int64_t id);

/*
 * Returns the first rule with an id above `after` that hits the request, and
 * counts the hit; NULL if there is none.  The caller gets a reference, see
 * wh_fault_unref.  With `unread` only the rules that act before
 * the body is read are looked at, without it only the others.
 */
struct wh_fault *wh_faults_match(struct wh_faults *faults, int64_t after,
				 const struct wh_request *req, bool unread);

void wh_fault_ref(struct wh_fault *fault);
void wh_fault_unref(struct wh_fault *fault);

const char *wh_fault_name(enum wh_fault_action action);

/* True if the rule wants the request executed. */
bool wh_fault_executes(const struct wh_fault *fault);

/* Returns how often a rule hit, or -1 if it does not exist. */
int64_t wh_faults_hits(const struct wh_faults *faults, int64_t id);

/* Returns all rules with their counters as a new array. */
json_t *wh_faults_print(const struct wh_faults *faults);

/* Returns a new array: name, parameters, execution and help of each action. */
json_t *wh_faults_describe(void);
