/* SPDX-License-Identifier: MIT */
/*
 * The control verbs: how a test sees the truth and bends the simulator.
 *
 * Plain HTTP on a port of its own, which stays reachable whatever happens to
 * the API.  Each call has a thread; a verb runs with the simulator's lock
 * held unless control.def says otherwise.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/form.h"

struct MHD_Connection;
struct MHD_Daemon;
struct wh_verb;
struct whsim;

enum { WH_CONTROL_BODY_MAX = 64 * 1024 * 1024 };

/* One call of a verb and its answer. */
struct wh_call {
	struct whsim *sim;
	struct MHD_Connection *connection;
	const struct wh_verb *verb; /* NULL = there is none */
	char *method;
	char *path;
	struct wh_buf body;
	bool body_too_large;
	json_t *json; /* the body */
	int status;
	struct wh_buf answer;
};

/* Serves `listen_fd`, which it takes over; NULL if it cannot. */
struct MHD_Daemon *wh_control_start(struct whsim *sim, int listen_fd);

/* Answers with `value`, whose reference it takes over. */
void wh_call_json(struct wh_call *call, json_t *value);

/* Answers with {"error": sentence}. */
void wh_call_fail(struct wh_call *call, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns an argument of the query, "" if it has no value, or NULL. */
const char *wh_call_text(const struct wh_call *call, const char *name);

/*
 * Reads an argument that is a number; without it `ret_number` keeps its
 * value.  Returns 0, or -EINVAL after an answer.
 */
int wh_call_number(struct wh_call *call, const char *name, int64_t *ret_number);

/* Reads the body by a form; returns 0, or -EINVAL after an answer. */
int wh_call_form(struct wh_call *call, const struct wh_form *form, void *ret_target);

#define WH_VERB(method, path, function, body, lock, arguments, help)                           \
	void wh_control_##function(struct wh_call *call);
#include "tests/whsim/control.def"
#undef WH_VERB
