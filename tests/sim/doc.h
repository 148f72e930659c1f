/* SPDX-License-Identifier: MIT */
/*
 * A webhook as the model sees it: the six documented members as plain values.
 * Reading JSON, comparing and normalising are written anew here and share
 * nothing with the daemon, so that both cannot be wrong in the same way.
 */
#pragma once

#include <jansson.h>

#include "proto/record.h"

#define SIM_TEXT 96 /* bytes of a value with its NUL: the model's values are short */
#define SIM_ITEM 24
#define SIM_ITEMS 24
#define SIM_SET WH_F_PROCESSES

struct sim_doc {
	char text[WH_F_COUNT][SIM_TEXT]; /* that of SIM_SET is not used */
	char item[SIM_ITEMS][SIM_ITEM];
	unsigned n_items;
};

void sim_text_set(char to[SIM_TEXT], struct wh_str value);
/* Equal but for spaces around, the case of GUIDs and of a url's scheme and host. */
bool sim_text_same(const char *a, const char *b);
bool sim_doc_has_item(const struct sim_doc *d, const char *item);
void sim_doc_add_item(struct sim_doc *d, const char *item);
void sim_doc_drop_item(struct sim_doc *d, const char *item);
/* Bit per member that differs beyond form. */
uint32_t sim_doc_diff(const struct sim_doc *a, const struct sim_doc *b);
/* A request's body. False if it is no object or a member has a form nobody may send. What it
 * lacks is as in under; NULL: nothing may be lacking. */
bool sim_doc_from_json(struct sim_doc *d, struct wh_str json, const struct sim_doc *under);
/* A stored or served webhook. False if it is no map. */
bool sim_doc_from_pack(struct sim_doc *d, struct wh_str body);
/* What an upstream that tidies up stores in place of d. */
void sim_doc_tidy(struct sim_doc *d);
