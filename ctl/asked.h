/* SPDX-License-Identifier: MIT */
/*
 * The members that --columns and -o value=FIELD ask for by name: whether there
 * are such. A name nobody knows would print empty lines that look like data.
 */
#pragma once

#include "ctl/ctl.h"

/* Names that were neither documented nor seen yet. */
struct wh_asked {
	enum wh_result_shape shape;
	struct wh_columns names;
	bool looked; /* at something that could have had them */
};

/* Begins with what the command line names. Free with wh_asked_fini. */
void wh_asked_begin(struct wh_asked *a, const struct wh_ctl *ctl, enum wh_result_shape shape);
/* Strikes off what this item or record has. */
void wh_asked_look(struct wh_asked *a, const msgpack_object *item);
/* 0, or the exit status of wrong use, reported, if a name is left. */
WH_MUST_USE int wh_asked_judge(struct wh_ctl *ctl, const struct wh_asked *a);
void wh_asked_fini(struct wh_asked *a);

/*
 * Before anything is sent: refuses names where all members are whd's own and
 * documented (operations, events, settings). 0 or an exit status, reported.
 */
WH_MUST_USE int wh_asked_check(struct wh_ctl *ctl);
