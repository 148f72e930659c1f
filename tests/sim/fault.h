/* SPDX-License-Identifier: MIT */
/*
 * Which fault befalls a request, depending on the weather, and the replies
 * that are not the upstream's own.
 */
#pragma once

#include "daemon/core/outcome.h"
#include "proto/buf.h"
#include "tests/sim/dice.h"

enum sim_fault {
#define SIM_FAULT(id, group, weight, on, exec, net, left, status, body, whole) SIM_FAULT_##id,
#include "tests/sim/faults.def"
#undef SIM_FAULT
	SIM_FAULT_COUNT
};

enum sim_exec { SIM_EXEC_NEVER, SIM_EXEC_ONCE, SIM_EXEC_LATE, SIM_EXEC_TOO_LATE };

/* Spells of one kind of fault. FINE is the usual one; OWN never comes as a spell. */
enum sim_weather {
	SIM_FINE,
	SIM_OWN,
	SIM_DOWN,
	SIM_SILENT,
	SIM_BROKEN,
	SIM_LOCKED,
	SIM_QUOTA,
	SIM_THROTTLED,
	SIM_REFUSED,
	SIM_LYING,
	SIM_WEATHERS
};

enum sim_body {
	SIM_BODY_REAL,
	SIM_BODY_NONE,
	SIM_BODY_ANOTHER, /* a webhook that nobody asked for */
	SIM_BODY_HALF,
	SIM_BODY_ERROR, /* {"message": ...} */
	SIM_BODY_HTML,
	SIM_BODY_TEXT, /* a sentence */
	SIM_BODY_WAIT, /* the error, and Retry-After in the header */
	SIM_BODY_ROUTE,
	SIM_BODY_KEY,
	SIM_BODY_QUOTA,
	SIM_BODY_RATE,
	SIM_BODY_ERROR_400,  /* an error report with status 200 */
	SIM_BODY_TOTAL,      /* a list that says it has more than came */
	SIM_BODY_TWICE,      /* ... with one element twice */
	SIM_BODY_JUNK,       /* ... with an element that cannot be read */
	SIM_BODY_KEYS,       /* ... with an element that has a member twice */
	SIM_BODY_MORE,       /* ... that says more follows */
	SIM_BODY_ELSEWHERE,  /* ... with the next page on another host */
	SIM_BODY_TRAILING,   /* ... with something behind it */
	SIM_BODY_EMPTY_LIST, /* a lie nobody can see */
	SIM_BODY_SHORT_LIST, /* ... the same */
};

#define SIM_ON_POST 1u
#define SIM_ON_PATCH 2u
#define SIM_ON_DELETE 4u
#define SIM_ON_FIND 8u
#define SIM_ON_LIST 16u

struct sim_fault_info {
	const char *name;
	enum sim_weather group;
	unsigned weight, on;
	enum sim_exec exec;
	enum wh_transport net;
	bool left;
	int status;
	enum sim_body body;
	bool whole;
};
extern const struct sim_fault_info sim_faults[SIM_FAULT_COUNT];

const char *sim_weather_str(enum sim_weather w);

/* What the requests of a life meet. */
struct sim_luck {
	enum sim_weather weather;
	unsigned permille;        /* of the requests of a calm day that meet a fault */
	enum sim_fault favourite; /* that comes most often, where it can */
};
enum sim_fault sim_fault_draw(struct sim_dice *d, const struct sim_luck *luck, unsigned on);
/* The text of a reply that the upstream's own code did not write; nothing for REAL and lists.
 */
void sim_fault_text(struct wh_buf *out, enum sim_body body, int status, int64_t wait_s);
