/* SPDX-License-Identifier: MIT */
/*
 * The values of settings by type: text to value and back. Also what the files
 * of the configuration share among themselves. Nobody else includes this.
 * Pure; any thread.
 */
#pragma once

#include "daemon/config.h"

enum wh_value_type {
	WH_VALUE_TEXT,
	WH_VALUE_PATH,
	WH_VALUE_LIST,
	WH_VALUE_WORD,
	WH_VALUE_BOOL,
	WH_VALUE_COUNT,
	WH_VALUE_DURATION,
	WH_VALUE_SIZE,
	WH_VALUE_MODE,
	WH_VALUE_PERCENT,
	WH_VALUE_RATE,
};

/* One value: text for TEXT, PATH, LIST and WORD, number for all others. */
struct wh_value {
	char *text; /* owned by whoever holds the value */
	int64_t number;
};

bool wh_value_is_text(enum wh_value_type type);

/* 0 with an owned value, or WH_EINVAL with "what is wrong: what is legal" in why. */
WH_MUST_USE int wh_value_parse(const struct wh_setting_info *info, enum wh_value_type type,
			       struct wh_str text, struct wh_value *ret, struct wh_buf *why);
/* As it would be written in the file. */
void wh_value_print(enum wh_value_type type, const struct wh_value *value, struct wh_buf *out);

/* A configuration being read, and what was found wrong so far. */
struct wh_config_draft {
	struct wh_config *config;
	struct wh_buf *text; /* one line a problem */
	unsigned problems;
};

/* True once a problem is to be written to draft->text; false when there are too many already.
 */
bool wh_config_draft_problem(struct wh_config_draft *d);
/* Sets setting i from its text; WH_EINVAL with why as above. where is copied. */
WH_MUST_USE int wh_config_draft_set(struct wh_config_draft *d, size_t i, struct wh_str text,
				    const char *where, struct wh_buf *why);
/* Reads one file into the draft; every problem becomes a line of draft->text. */
void wh_config_draft_read(struct wh_config_draft *d, const char *file);
/* The rules that bind more than one setting, and those that need a look at the system. */
void wh_config_draft_check(struct wh_config_draft *d);
