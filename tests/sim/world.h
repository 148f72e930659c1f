/* SPDX-License-Identifier: MIT */
/*
 * The model of the upstream: rows with all their versions, which is the log
 * the oracle reads, and the way in which this seed's upstream presents them.
 * It executes; when and whether it does is the net's and the faults' affair.
 */
#pragma once

#include "tests/sim/dice.h"
#include "tests/sim/doc.h"

#define SIM_ID 48

/* enum sim_way_list { SIM_list_BARE, ... } and so on; one enumeration in order of the table. */
enum sim_way {
#define SIM_WAY(subject, name, weight, variation) SIM_##subject##_##name,
#include "tests/sim/ways.def"
#undef SIM_WAY
	SIM_WAY_COUNT
};

struct sim_ways {
	enum sim_way list, wrap, few, id_name, id_form, names, set, blank, more, post;
	enum sim_way post_status, find, absent, patch, delete, type, bom, keep;
	unsigned page; /* rows of a page */
	int64_t lag;   /* ms until a new row shows in lists */
};

enum sim_author {
	SIM_BY_OTHERS, /* other people */
	SIM_BY_WHD,
	SIM_BY_LATE, /* a request of whd that the upstream executed after whd was told of a
			failure: nobody can tell it from other people */
};

struct sim_version {
	int64_t at;
	enum sim_author by;
	uint64_t transfer; /* 0 = none */
	bool gone;         /* deleted */
	struct sim_doc doc;
	struct sim_doc sent; /* what the request held, if `by` is not others */
};

struct sim_row {
	char whid[SIM_ID];
	struct sim_version *versions;
	size_t n, cap;
	int64_t born_at;
	uint64_t born_by; /* transfer of the POST; 0 = others */
	/* the oracle's notes */
	size_t seen;        /* version that whd's confirmed row was last seen to hold */
	bool known;         /* whd holds or held it */
	bool held;          /* whd holds it now */
	bool denied;        /* a list that looked whole lacked it although it was there */
	uint64_t last_hash; /* of whd's stored bytes when last looked at */
	size_t obj;         /* the oracle's object; 0 = not yet given */
};

struct sim_world {
	struct sim_row *rows;
	size_t n, cap;
	struct sim_ways ways;
	uint64_t serial; /* ids drawn */
};

void sim_world_fini(struct sim_world *w);
void sim_ways_draw(struct sim_ways *ways, struct sim_dice *d, int64_t lag_max);
const char *sim_way_str(enum sim_way way);
const char *sim_way_subject(enum sim_way way);
unsigned sim_way_variation(enum sim_way way);

/* Adds a row; returns its index. */
size_t sim_world_add(struct sim_world *w, struct sim_dice *d, const struct sim_version *first);
/* A new version of a row; `doc` is what comes in, what is kept follows from the ways. */
void sim_world_write(struct sim_world *w, size_t row, struct sim_version v);
/* What a request leaves as it is where its body lacks members. NULL: it must lack none, since
 * this upstream shows all of them. */
const struct sim_doc *sim_world_under(const struct sim_world *w, const char *method,
				      const char *whid);
/* Index of a row by id in any case, deleted ones too; SIZE_MAX = there never was one. */
size_t sim_world_find(const struct sim_world *w, struct wh_str whid);
const struct sim_version *sim_row_now(const struct sim_row *r);
bool sim_row_alive(const struct sim_row *r);
size_t sim_world_alive(const struct sim_world *w);
/* The nth row that is there, counted from 0. */
size_t sim_world_nth_alive(const struct sim_world *w, size_t nth);
